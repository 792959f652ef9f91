"""Checkpoints that are damaged, foreign or of weights that are no numbers; and runs that are the same."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tagger.corpus.examples import Examples
from tagger.errors import OutputError, TrainingError
from tagger.models.network import SentenceNetwork, load_encoder
from tagger.models.tokenization import PieceTokenizer
from tagger.training import fine_tuning
from tagger.training.batch_plan import Inputs, plan_batches, read_inputs
from tagger.training.composing import compose
from tagger.training.config import TrainConfig
from tagger.training.fine_tuning import Run, Targets, fine_tune, last_checkpoint
from tagger.training.losses import multilabel_loss
from tagger.training.model_config import BertConfig, FineTuningConfig
from tagger.training.run import run
from tagger.training.unfinished import Unfinished

_CONFIG = FineTuningConfig(precision="fp32", epochs=2, learning_rate=1e-2, batch_pieces=300)
_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"
Train = Callable[[], SentenceNetwork]


class Cut(Exception):
    """A run that is cut off."""


@pytest.fixture(scope="module")
def inputs(tiny_encoder_folder: Path, examples: Examples) -> Inputs:
    return read_inputs([text.text for text in examples.texts], PieceTokenizer.load(tiny_encoder_folder, 64))


@pytest.fixture
def train(tiny_encoder_folder: Path, inputs: Inputs, examples: Examples, tmp_path: Path) -> Train:
    """Fine-tunes a network in one folder."""

    def train() -> SentenceNetwork:
        torch.manual_seed(1)
        network = SentenceNetwork(load_encoder(tiny_encoder_folder), 3, dropout=0.1)
        lengths = [len(ids) for ids in inputs.ids]
        plan = plan_batches(lengths, n_epochs=2, budget=300, rng=np.random.default_rng(1))
        run = Run("test", tmp_path / "run", seed=1, pad=1)
        return fine_tune(network, inputs, Targets(examples.y_true), plan, config=_CONFIG, run=run)

    return train


@pytest.fixture
def checkpoint(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a run that was cut off after it."""
    calls: list[int] = []

    def loss(*args: Any, **kwargs: Any) -> torch.Tensor:
        calls.append(1)
        if last_checkpoint(tmp_path / "run") and len(calls) > 3:
            raise Cut
        return multilabel_loss(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(fine_tuning, "multilabel_loss", loss)
        with pytest.raises(Cut):
            train()
    return Path(last_checkpoint(tmp_path / "run") or "")


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("owned",)


def test_a_checkpoint_holds_no_pickled_arguments(checkpoint: Path) -> None:
    names = {path.name for path in checkpoint.iterdir()}
    assert {"model.safetensors", "optimizer.pt", "trainer_state.json"} <= names
    assert "training_args.bin" not in names


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_code_in_a_checkpoint_is_not_run(
    checkpoint: Path, train: Train, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(checkpoint / name) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(checkpoint / name, "w", zipfile.ZIP_STORED) as archive:
        for part, data in parts.items():
            archive.writestr(part, pickle.dumps(_Evil(), protocol=2) if part.endswith("data.pkl") else data)
    with pytest.raises(TrainingError) as error:
        train()
    assert str(error.value).startswith(f"{checkpoint}: the checkpoint cannot be read (UnpicklingError).")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "model.safetensors"])
def test_a_damaged_checkpoint_is_told(checkpoint: Path, train: Train, name: str) -> None:
    data = (checkpoint / name).read_bytes()
    (checkpoint / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(TrainingError, match="the checkpoint cannot be read"):
        train()


@pytest.mark.parametrize("text", ["", '{"epoch": 1.0, "glob', "[]"])
def test_a_checkpoint_whose_state_was_not_written_to_its_end_is_passed_over(
    checkpoint: Path, train: Train, text: str
) -> None:
    (checkpoint / "trainer_state.json").write_text(text)
    assert last_checkpoint(checkpoint.parent) != str(checkpoint)
    train()


def test_reading_is_held_to_weights_while_it_trains_and_left_as_it_was(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str | None, str | None]] = []
    names = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    monkeypatch.setenv(names[1], "1")
    monkeypatch.setattr(
        fine_tuning, "multilabel_loss",
        lambda *args, **kwargs: seen.append(tuple(map(os.environ.get, names))) or multilabel_loss(*args, **kwargs),
    )  # fmt: skip
    train()
    assert set(seen) == {("1", None)}
    assert tuple(map(os.environ.get, names)) == (None, "1")


@pytest.mark.parametrize("n_left", [1, 2, 3, 4])
def test_weights_that_are_no_numbers_are_never_kept(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_left: int
) -> None:
    monkeypatch.setattr(fine_tuning._PlanTrainer, "training_step", _spoilt_with(n_left))
    # Told by the weights where they are kept or the training ends, else by the next loss.
    told = "of the weights are no numbers any more" if n_left == 1 else "weights are no numbers|the loss is nan"
    with pytest.raises(TrainingError, match=told):
        train()
    kept = last_checkpoint(tmp_path / "run")
    if kept is not None:
        from safetensors.torch import load_file

        assert all(torch.isfinite(weights).all() for weights in load_file(Path(kept) / "model.safetensors").values())


def _spoilt_with(n_left: int) -> Callable[..., torch.Tensor]:
    """Training steps of which one has a gradient that is no number, and says nothing of it."""
    from transformers import Trainer

    def training_step(self: Any, model: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        loss = Trainer.training_step(self, model, *args, **kwargs)
        if self.state.global_step == self.state.max_steps - n_left:
            model.head.value.weight.grad.fill_(float("nan"))
        return loss

    return training_step


def test_a_damaged_part_of_an_unfinished_run_is_told(examples: Examples, tmp_path: Path) -> None:
    config = TrainConfig(model=BertConfig(), output=str(tmp_path / "model"))
    unfinished = Unfinished.open(config, examples, examples.take(np.arange(0)))
    unfinished.keep_scores("fold", np.ones(8))
    unfinished.keep_network("fold", torch.nn.Linear(2, 2))
    unfinished.keep_curve("fold", [{"step": 1}], n_read=1)
    for path in unfinished.folder.glob("fold*"):
        path.write_bytes(path.read_bytes()[:20])
    for read in (
        lambda: unfinished.scores("fold"), lambda: unfinished.restore_network("fold", torch.nn.Linear(2, 2)),
        unfinished.curves,
    ):  # fmt: skip
        with pytest.raises(OutputError, match=r"is damaged \(.*Remove the unfinished run to start anew"):
            read()


def test_what_a_kill_left_of_a_run_that_was_removed_is_nobodys(examples: Examples, tmp_path: Path) -> None:
    config = TrainConfig(model=BertConfig(), output=str(tmp_path / "model"))
    for name in (".model.unfinished.gone", ".model.unfinished.new"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "run.json").write_text("{")
    unfinished = Unfinished.open(config, examples, examples.take(np.arange(0)))
    assert [path.name for path in tmp_path.iterdir()] == [unfinished.folder.name]
    unfinished.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_same_config_and_seed_give_the_same_figures_and_bytes(corpus_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    data = [f"data.corpus={corpus_folder}", f"data.domains={tmp_path}/domains.yaml"]
    settings = ["model=tfidf", "split.n_folds=2", *data]
    runs = [tmp_path / name / "run" for name in ("one", "again", "other")]
    for folder, seed in zip(runs, (1, 1, 2), strict=True):
        run(compose([*settings, f"seed={seed}", f"output={folder}"]))
    one, again, other = (json.loads((folder / "metrics.json").read_text()) for folder in runs)
    for metrics in (one, again, other):
        del metrics["cost"]
    assert one == again
    assert one != other
    versions = [json.loads((folder / "run.json").read_text())["model_version"] for folder in runs]
    assert versions[0] == versions[1] != versions[2]
