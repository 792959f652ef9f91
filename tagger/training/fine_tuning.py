"""Fine-tuning a network on labelled sentences with transformers' Trainer; imports torch."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
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

from tagger.errors import OutputError, TrainingError
from tagger.models.network import SentenceNetwork, collate
from tagger.training.batch_plan import Inputs
from tagger.training.distillation import Teaching
from tagger.training.losses import agreement_loss, distillation_loss, hidden_loss, multilabel_loss
from tagger.training.model_config import FineTuningConfig

log = logging.getLogger(__name__)
Evaluate = Callable[[SentenceNetwork], dict[str, float]]


@dataclass(frozen=True)
class Targets:
    """What sentences are trained towards.

    Attributes
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    teacher : Teaching or None
        What a larger network makes of each input.
    """

    y_true: np.ndarray
    teacher: Teaching | None = None


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
        Id of the piece that fills inputs up.
    evaluate : callable or None
        Figures of the network, once an epoch, ``f1_macro`` among them: the best state is
        kept, and training stops after ``patience`` epochs without a better one.
    history : list of dict
        Filled by `fine_tune`: step, epoch (the share of all steps so far, in [0, 1], as the plan of all
        epochs is one to Trainer), loss, learning rate, the figures, and the seconds that training has
        taken so far, those before a cut among them.
    """

    title: str
    folder: Path
    seed: int
    pad: int
    evaluate: Evaluate | None = None
    history: list[dict[str, float]] = field(default_factory=list)


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
        The loss, or a weight, is no longer a number; the last good checkpoint stays. Or a
        checkpoint is damaged.
    OutputError
        A checkpoint cannot be written, for want of space perhaps; those before it stay.
    """
    network.encoder.embeddings.requires_grad_(not config.freeze_embeddings)
    trainer = _PlanTrainer(network, inputs, targets, plan, config=config, run=run)
    with _weights_only():
        trainer.train(resume_from_checkpoint=last_checkpoint(run.folder))
    _check_finite(network, run.title)
    # Checkpoints hold it: a resumed run has all of it. The last entry is of seconds.
    run.history[:] = [step for step in trainer.state.log_history if "train_runtime" not in step]
    return network.eval()


def last_checkpoint(folder: Path) -> str | None:
    """The newest checkpoint that was written whole: its state file is written last."""
    found = [p for p in folder.glob("checkpoint-*") if _is_whole(p / "trainer_state.json")]
    return str(max(found, key=lambda p: int(p.name.rpartition("-")[2]))) if found else None


def _is_whole(state: Path) -> bool:
    """Whether a state file was written to its end: a process may be killed in the middle of it."""
    try:
        return isinstance(json.loads(state.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError, RecursionError):
        return False


@contextlib.contextmanager
def _weights_only() -> Iterator[None]:
    """Let nothing but tensors and plain values be read from files.

    Optimiser, schedule and random state of a checkpoint are pickles of torch's. Trainer opens
    each with ``weights_only=True``, which runs no code of the file; the variable makes torch
    insist on it for every file, whatever asks for it, as a folder may be somebody else's.
    """
    names = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")  # torch refuses both at once
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ[names[0]] = "1"
    try:
        yield
    finally:
        del os.environ[names[0]]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _check_finite(network: SentenceNetwork, title: str) -> None:
    """A `TrainingError` if a weight is no number: its network tells nothing, and would be kept."""
    broken = [name for name, weights in network.named_parameters() if not torch.isfinite(weights).all()]
    if broken:
        raise TrainingError(
            f"{len(broken)} of the weights are no numbers any more, {broken[0]} first", where=title,
            hint="Use a smaller fine_tuning.learning_rate; the last good checkpoint stays.",
        )  # fmt: skip


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
        self._started, self._seconds_before = time.monotonic(), None

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add the seconds so far; checkpoints carry them over a cut."""
        if self._seconds_before is None:
            self._seconds_before = max((step.get("seconds", 0.0) for step in self.state.log_history), default=0.0)
        spent = self._seconds_before + time.monotonic() - self._started
        super().log({**logs, "seconds": round(spent, 2)}, *args, **kwargs)

    def get_train_dataloader(self) -> DataLoader:
        """The plan, in its order."""
        return DataLoader(self.train_dataset, batch_sampler=self.plan, collate_fn=self._collate)

    def _collate(self, numbers: Sequence[int]) -> dict[str, torch.Tensor]:
        batch = collate([self.inputs.ids[number] for number in numbers], self.run.pad)
        rows = self.inputs.rows[list(numbers)]
        taught = self.targets.teacher.take(numbers) if self.targets.teacher is not None else {}
        return {**batch._asdict(), "labels": torch.from_numpy(self.targets.y_true[rows]).float(), **taught}

    def compute_loss(
        self, model: SentenceNetwork, inputs: dict[str, torch.Tensor], return_outputs: bool = False, **_: Any
    ) -> torch.Tensor:
        """The loss of one batch."""
        logits, hidden = model(inputs["input_ids"], inputs["attention_mask"], with_hidden=True)
        loss = self._loss(logits, inputs)
        if self.config.r_drop:
            again = model(inputs["input_ids"], inputs["attention_mask"])
            loss = (loss + self._loss(again, inputs)) / 2 + self.config.r_drop * agreement_loss(logits, again)
        if "hidden" in inputs:
            scale = self.model.head.scale
            apart = hidden_loss(hidden, inputs["hidden"], inputs["attention_mask"], scale)
            loss = loss + self.config.hidden_weight * apart
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

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """A checkpoint, but none of weights that are no numbers, and none in parts."""
        _check_finite(self.model, self.run.title)
        place = self.run.folder / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, SafetensorError, RuntimeError) as error:  # torch tells a full disk by a RuntimeError
            shutil.rmtree(place, ignore_errors=True)
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise OutputError(
                f"cannot be written ({reason})",
                where=place,
                hint="The checkpoints before it stay; make room and go on.",
            ) from None

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        # The arguments are a pickle that nothing ever reads: they come from the configuration.
        (Path(output_dir or self.args.output_dir) / "training_args.bin").unlink(missing_ok=True)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        with _readable(resume_from_checkpoint):
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with _readable(checkpoint):
            super()._load_optimizer_and_scheduler(checkpoint)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with _readable(checkpoint):
            super()._load_rng_state(checkpoint)

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
        logging_steps=min(20, max(n_steps // 10, 1)), seed=run.seed, data_seed=run.seed, report_to="none",
        disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False, label_names=["labels"], **chosen,
    )  # fmt: skip


def is_bf16(config: FineTuningConfig) -> bool:
    """Whether to train in bfloat16: as configured, or where this machine multiplies it faster."""
    if config.precision != "auto":
        return config.precision == "bf16"
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported())


@contextlib.contextmanager
def _readable(checkpoint: str | None) -> Iterator[None]:
    """Whatever a damaged or foreign checkpoint raises, as one of ours."""
    try:
        yield
    except Exception as error:
        raise TrainingError(
            f"the checkpoint cannot be read ({type(error).__name__})", where=checkpoint or "",
            hint="Remove the .unfinished folder that it is in to start anew.",
        ) from error  # fmt: skip


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
