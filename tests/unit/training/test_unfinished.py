"""What an unfinished run leaves, and who may take it up."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.training import unfinished as module
from tagger.training.config import TrainConfig
from tagger.training.model_config import BertConfig, FineTuningConfig
from tagger.training.unfinished import Unfinished

_SCORES = np.linspace(-3, 3, 12, dtype=np.float32).reshape(2, 3, 2)


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(model=BertConfig(), output=str(tmp_path / "model"))


@pytest.fixture
def copies(examples: Examples) -> Examples:
    return examples.take(np.arange(5))


@pytest.fixture
def unfinished(config: TrainConfig, examples: Examples, copies: Examples) -> Unfinished:
    """With the scores of one fold, one network and a checkpoint."""
    made = Unfinished.open(config, examples, copies)
    made.keep_scores("fold 1 of 2", _SCORES)
    made.keep_network("teacher, all", _network(1))
    made.checkpoints("fold 2 of 2").mkdir(parents=True)
    return made


def _network(seed: int) -> nn.Module:
    made = nn.Linear(4, 3)
    for parameter in made.parameters():
        parameter.data = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed))
    return made


def test_a_run_keeps_its_place_beside_the_output(unfinished: Unfinished, tmp_path: Path) -> None:
    assert unfinished.folder == tmp_path / "model.unfinished"
    assert unfinished.checkpoints("fold 2 of 2").is_relative_to(unfinished.folder)
    assert not list(unfinished.folder.glob("*.tmp"))


def test_what_the_same_run_left_is_taken_up(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples
) -> None:
    again = Unfinished.open(config, examples, copies)
    scores, network = again.scores("fold 1 of 2"), _network(2)
    assert scores is not None
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, _SCORES)
    assert again.restore_network("teacher, all", network)
    for name, weights in _network(1).state_dict().items():
        assert torch.equal(network.state_dict()[name], weights)
    assert again.checkpoints("fold 2 of 2").is_dir()


def test_what_was_not_done_is_not_there(unfinished: Unfinished) -> None:
    network = _network(2)
    assert unfinished.scores("fold 2 of 2") is None
    assert not unfinished.restore_network("all bulletins", network)
    assert torch.equal(network.weight, _network(2).weight)


def test_every_part_has_a_place_of_its_own(unfinished: Unfinished) -> None:
    titles = [f"{who}{part}" for who in ("", "teacher, ") for part in ("fold 1 of 2", "fold 2 of 2", "all bulletins")]
    assert len({unfinished.checkpoints(title) for title in titles}) == len(titles)


def test_the_checkpoints_of_a_network_that_is_done_go(unfinished: Unfinished) -> None:
    unfinished.keep_network("fold 2 of 2", _network(1))
    assert not unfinished.checkpoints("fold 2 of 2").exists()


def _left(config: TrainConfig, examples: Examples, copies: Examples) -> bool:
    return Unfinished.open(config, examples, copies).scores("fold 1 of 2") is not None


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"model": BertConfig(fine_tuning=FineTuningConfig(epochs=9))}, {"model": BertConfig(layers=[0])}],
    ids=["seed", "epochs", "layers"],
)
def test_other_settings_start_anew(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples, change: dict
) -> None:
    assert not _left(dataclasses.replace(config, **change), examples, copies)
    assert not unfinished.checkpoints("fold 2 of 2").exists()


def test_other_data_start_anew(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples
) -> None:
    assert not _left(config, examples.take(np.arange(40)), copies)


def test_other_copies_start_anew(unfinished: Unfinished, config: TrainConfig, examples: Examples) -> None:
    assert not _left(config, examples, examples.take(np.arange(4)))


def test_another_version_of_a_library_starts_anew(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.training.unfinished.metadata.version", lambda name: "0.0")
    assert not _left(config, examples, copies)


def test_another_lexicon_starts_anew(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.training.unfinished.hash_inputs", lambda config: {"domains": "", "lexicon": "another"})
    assert not _left(config, examples, copies)


def test_another_output_has_a_place_of_its_own(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples, tmp_path: Path
) -> None:
    assert not _left(dataclasses.replace(config, output=str(tmp_path / "other")), examples, copies)
    assert unfinished.scores("fold 1 of 2") is not None


@pytest.mark.parametrize("state", [None, "", "{}", "[]", "\udcff"], ids=["none", "empty", "object", "list", "bytes"])
def test_a_folder_of_someone_else_is_refused_and_kept(
    config: TrainConfig, examples: Examples, copies: Examples, state: str | None
) -> None:
    folder = Path(f"{config.output}.unfinished")
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    if state is not None:
        (folder / "run.json").write_text(state, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(OutputError) as error:
        Unfinished.open(config, examples, copies)
    assert str(error.value).startswith(f"{folder}: holds something that is not an unfinished run. Remove it")
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_file_in_its_place_is_refused(config: TrainConfig, examples: Examples, copies: Examples) -> None:
    Path(f"{config.output}.unfinished").write_text("mine")
    with pytest.raises(OutputError, match="not an unfinished run"):
        Unfinished.open(config, examples, copies)


def test_an_empty_folder_is_taken(config: TrainConfig, examples: Examples, copies: Examples) -> None:
    Path(f"{config.output}.unfinished").mkdir()
    assert not _left(config, examples, copies)


def test_a_place_that_cannot_be_written_is_told(examples: Examples, copies: Examples, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    config = TrainConfig(model=BertConfig(), output=str(tmp_path / "file" / "model"))
    with pytest.raises(OutputError, match="cannot be written"):
        Unfinished.open(config, examples, copies)


def test_the_cost_is_that_of_all_parts_before_and_after_a_cut(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unfinished.cost() == {"seconds_before": 0.0}
    monkeypatch.setattr(module, "peak_memory", lambda: {"peak_memory_mib": 3000, "peak_gpu_memory_mib": 7})
    unfinished.keep_curve("teacher", [{"step": 1, "seconds": 2.0}, {"step": 2, "seconds": 5.0}], n_read=2000)
    again = Unfinished.open(config, examples, copies)
    monkeypatch.setattr(module, "peak_memory", lambda: {"peak_memory_mib": 2000})
    again.keep_curve("fold 1", [{"step": 1, "seconds": 1.0}, {"step": 2}], n_read=1000)
    again.keep_curve("none", [], n_read=0)
    assert again.cost() == {
        "seconds_before": 5.0, "peak_memory_mib": 3000, "peak_gpu_memory_mib": 7, "seconds_per_1000_sentences": 2.0
    }  # fmt: skip


def test_seconds_before_a_cut_are_those_of_the_checkpoint_that_it_goes_on_from(
    unfinished: Unfinished, config: TrainConfig, examples: Examples, copies: Examples
) -> None:
    for step, seconds in ((10, 4.0), (20, 9.0)):
        place = unfinished.checkpoints("fold 2 of 2") / f"checkpoint-{step}"
        place.mkdir()
        (place / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": step, "seconds": seconds}]}))
    (place.parent / "checkpoint-30").mkdir()
    (place.parent / "checkpoint-30" / "trainer_state.json").write_text('{"log_hist')
    assert Unfinished.open(config, examples, copies).seconds_before == 9.0
    unfinished.keep_curve("fold 2 of 2", [{"step": 40, "seconds": 12.0}], n_read=10)
    assert Unfinished.open(config, examples, copies).seconds_before == 12.0, "its checkpoints are part of it"


def test_a_run_that_is_over_leaves_nothing(unfinished: Unfinished) -> None:
    unfinished.remove()
    assert not unfinished.folder.exists()
    unfinished.remove()


def test_what_cannot_be_removed_is_told_but_no_error(
    unfinished: Unfinished, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", refuse)
    unfinished.remove()
    assert caplog.messages == [
        f"{unfinished.folder} could not be removed (Device or resource busy); the run is saved, nothing needs it"
    ]
