"""Fine-tuning a network on labelled sentences with transformers' Trainer; imports torch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from tagger.errors import TrainingError
from tagger.models.network import SentenceNetwork, collate
from tagger.training.batch_plan import Inputs
from tagger.training.config import FineTuningConfig
from tagger.training.losses import agreement_loss, distillation_loss, multilabel_loss

log = logging.getLogger(__name__)
Evaluate = Callable[[SentenceNetwork], dict[str, float]]


@dataclass(frozen=True)
class Targets:
    """What sentences are trained towards.

    Attributes
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    teacher : ndarray of shape (n_texts, n_domains), or None
        Logits of a larger network that saw the same rows.
    """

    y_true: np.ndarray
    teacher: np.ndarray | None = None


@dataclass(frozen=True)
class Run:
    """One fine-tuning run.

    Attributes
    ----------
    title : str
        What the progress lines call it.
    folder : Path
        For checkpoints; what a run of the same plan left there is taken up.
    seed : int
        Of dropout.
    pad : int
        Id of the piece that fills passages up.
    evaluate : callable or None
        Figures of the network, once an epoch, ``f1_macro`` among them: the best state is
        kept, and training stops after ``patience`` epochs without a better one.
    """

    title: str
    folder: Path
    seed: int
    pad: int
    evaluate: Evaluate | None = None


def fine_tune(
    network: SentenceNetwork, inputs: Inputs, targets: Targets, plan: Sequence[list[int]], *,
    config: FineTuningConfig, run: Run,
) -> SentenceNetwork:  # fmt: skip
    """Train a network in place; a run that was cut off goes on from its last checkpoint.

    Parameters
    ----------
    network : SentenceNetwork
    inputs : Inputs
    targets : Targets
        By the inputs' rows.
    plan : sequence of list of int
        All batches, see `tagger.training.batch_plan.plan_batches`.
    config : FineTuningConfig
    run : Run

    Raises
    ------
    TrainingError
        The loss is no longer a number; the last good checkpoint stays.
    """
    network.encoder.embeddings.requires_grad_(not config.freeze_embeddings)
    trainer = _PlanTrainer(network, inputs, targets, plan, config=config, run=run)
    trainer.train(resume_from_checkpoint=last_checkpoint(run.folder))
    return network.eval()


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written whole: its state file is written last."""
    found = [p for p in folder.glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
    return str(max(found, key=lambda p: int(p.name.rpartition("-")[2]))) if found else None


class _PlanTrainer(Trainer):
    """A Trainer whose every batch is laid down beforehand."""

    def __init__(
        self, network: SentenceNetwork, inputs: Inputs, targets: Targets, plan: Sequence[list[int]], *,
        config: FineTuningConfig, run: Run,
    ) -> None:  # fmt: skip
        self.inputs, self.targets, self.plan, self.config, self.run = inputs, targets, plan, config, run
        callbacks: list[TrainerCallback] = [_Progress(run.title)]
        if run.evaluate is not None:
            callbacks.append(EarlyStoppingCallback(config.patience))
        arguments = _arguments(config, run, n_steps=-(-len(plan) // config.accumulate))
        super().__init__(
            network, arguments, train_dataset=_Numbers(len(inputs.ids)), callbacks=callbacks,
            eval_dataset=_Numbers(0),  # Trainer insists on one; `evaluate` reads none
        )  # fmt: skip
        self.remove_callback(PrinterCallback)  # it prints to standard output

    def get_train_dataloader(self) -> DataLoader:
        """The plan, in its order."""
        return DataLoader(self.train_dataset, batch_sampler=self.plan, collate_fn=self._collate)

    def _collate(self, numbers: Sequence[int]) -> dict[str, torch.Tensor]:
        batch = collate([self.inputs.ids[number] for number in numbers], self.run.pad)
        rows = self.inputs.rows[list(numbers)]
        told = {"labels": torch.from_numpy(self.targets.y_true[rows]).float()}
        if self.targets.teacher is not None:
            told["teacher"] = torch.from_numpy(self.targets.teacher[rows]).float()
        return {**batch._asdict(), **told}

    def compute_loss(
        self, model: SentenceNetwork, inputs: dict[str, torch.Tensor], return_outputs: bool = False, **_: Any
    ) -> torch.Tensor:
        """The loss of one batch."""
        logits = model(inputs["input_ids"], inputs["attention_mask"])
        loss = self._loss(logits, inputs)
        if self.config.r_drop:
            again = model(inputs["input_ids"], inputs["attention_mask"])
            loss = (loss + self._loss(again, inputs)) / 2 + self.config.r_drop * agreement_loss(logits, again)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.state.global_step + 1}", where=self.run.title,
                hint=f"Use a smaller fine_tuning.learning_rate (now {self.config.learning_rate:g}); "
                "the last good checkpoint stays.",
            )  # fmt: skip
        return loss  # Trainer divides it by the batches of a step

    def _loss(self, logits: torch.Tensor, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        config = self.config
        loss = multilabel_loss(
            logits, inputs["labels"], name=config.loss, gamma=config.gamma, positive_weight=config.positive_weight
        )
        if "teacher" not in inputs:
            return loss
        taught = distillation_loss(logits, inputs["teacher"], temperature=config.temperature)
        return (1 - config.teacher_weight) * loss + config.teacher_weight * taught

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW, slower from layer to layer downwards."""
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(_parameter_groups(self.model, self.config), fused=True)
        return self.optimizer

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Our own figures, under Trainer's names."""
        assert self.run.evaluate is not None
        self.model.eval()
        metrics = {f"eval_{name}": value for name, value in self.run.evaluate(self.model).items()}
        self.model.train()
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _parameter_groups(network: SentenceNetwork, config: FineTuningConfig) -> list[dict[str, Any]]:
    """Layer-wise decay of the learning rate: what lies low is general and should move little.

    Sun et al. (2019), "How to fine-tune BERT for text classification".
    """
    layers = list(network.encoder.encoder.layer)
    parts = [(network.head, config.learning_rate * config.head_rate)]
    parts += [(layer, config.learning_rate * config.layer_decay**i) for i, layer in enumerate(reversed(layers))]
    parts += [(network.encoder.embeddings, config.learning_rate * config.layer_decay ** len(layers))]
    return [group for module, rate in parts for group in _groups_of(module, rate, config.weight_decay)]


def _groups_of(module: torch.nn.Module, rate: float, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay, biases and norms do not."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    matrices = {"params": [p for p in trained if p.ndim > 1], "lr": rate, "weight_decay": weight_decay}
    vectors = {"params": [p for p in trained if p.ndim == 1], "lr": rate, "weight_decay": 0.0}
    return [group for group in (matrices, vectors) if group["params"]]


def _arguments(config: FineTuningConfig, run: Run, n_steps: int) -> TrainingArguments:
    # Early stopping looks once an epoch; checkpoints lie at the same steps.
    an_epoch = max(n_steps // max(config.epochs, 1), 1)
    chosen = {
        "eval_strategy": "steps", "eval_steps": an_epoch, "load_best_model_at_end": True,
        "metric_for_best_model": "f1_macro", "greater_is_better": True,
        "restore_callback_states_from_checkpoint": True,  # how long the best epoch is past
    } if run.evaluate is not None else {}  # fmt: skip
    return TrainingArguments(
        output_dir=str(run.folder), max_steps=n_steps, gradient_accumulation_steps=config.accumulate,
        lr_scheduler_type="linear", warmup_steps=round(config.warmup * n_steps), max_grad_norm=1.0,
        use_cpu=not torch.cuda.is_available(), bf16=is_bf16(config),
        save_strategy="steps", save_steps=an_epoch if run.evaluate else max(an_epoch // 2, 1), save_total_limit=2,
        logging_steps=20, seed=run.seed, data_seed=run.seed, report_to="none", disable_tqdm=True,
        remove_unused_columns=False, dataloader_pin_memory=False, label_names=["labels"], **chosen,
    )  # fmt: skip


def is_bf16(config: FineTuningConfig) -> bool:
    """Whether to train in bfloat16: as configured, or where this machine multiplies it faster."""
    if config.precision != "auto":
        return config.precision == "bf16"
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported())


class _Numbers(torch.utils.data.Dataset):
    """The numbers of all inputs; a batch is put together from them at once."""

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs

    def __len__(self) -> int:
        return self.n_inputs

    def __getitem__(self, number: int) -> int:
        return number


class _Progress(TrainerCallback):
    """A line every so often: step, loss, time left."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.started, self.first_step = time.monotonic(), 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.started, self.first_step = time.monotonic(), state.global_step

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
        logs: dict[str, float] | None = None, **_: Any,
    ) -> None:  # fmt: skip
        done = state.global_step - self.first_step
        if not done or not logs or "loss" not in logs:
            return
        left = (time.monotonic() - self.started) / done * (state.max_steps - state.global_step)
        log.info(
            "%s: step %d of %d, loss %.4f, %.1f min left", self.title, state.global_step, state.max_steps,
            logs["loss"], left / 60,
        )  # fmt: skip
