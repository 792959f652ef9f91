"""A disk that is full: one clear error, nothing half written, and what is there stays.

The limit on the size of a file stands in for the disk: a write beyond it fails in the middle of a file.
"""

from __future__ import annotations

import contextlib
import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.models.bert import BertClassifier
from tagger.models.storage import load_model
from tagger.training.composing import compose
from tagger.training.config import DataConfig, SplitConfig, TrainConfig
from tagger.training.model_config import BertConfig, EncoderConfig, FineTuningConfig
from tagger.training.run import run
from tagger.training.search import search
from tagger.training.search_config import compose_search
from tagger.training.search_folder import write_whole
from tagger.training.unfinished import Unfinished

_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"


@contextlib.contextmanager
def _room_for(n_bytes: int) -> Iterator[None]:
    """No file may grow larger, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def settings(corpus_folder: Path, tmp_path: Path) -> list[str]:
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    return ["model=tfidf", f"data.corpus={corpus_folder}", f"data.domains={tmp_path}/domains.yaml", "split.n_folds=2",
            "model.signals=[text,previous]", f"output={tmp_path}/out/run"]  # fmt: skip


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refuses(error: pytest.ExceptionInfo[OutputError], place: str) -> bool:
    told = str(error.value)
    return place in told and "cannot be" in told and "\n" not in told


@pytest.mark.parametrize("n_bytes", [100, 1500, 3000])
def test_a_run_that_cannot_be_written_leaves_the_old_one(settings: list[str], tmp_path: Path, n_bytes: int) -> None:
    run(compose(settings))
    before = _contents(tmp_path / "out")
    with _room_for(n_bytes), pytest.raises(OutputError) as error:
        run(compose([*settings, "seed=2"]))
    assert _refuses(error, "out/run")
    assert _contents(tmp_path / "out") == before
    load_model(tmp_path / "out" / "run" / "model")


def test_a_search_that_cannot_go_on_is_whole_and_goes_on_later(settings: list[str], tmp_path: Path) -> None:
    space = compose_search(["model=tfidf"]).search.space
    task = compose_search([*settings, "search.n_trials=2", *(f"~search.space.{name}" for name in space if name != "C")])
    with _room_for(100), pytest.raises(OutputError):
        search(task)
    assert not (task.folder / "study.sqlite").exists()
    with _room_for(15000), pytest.raises(OutputError):  # the database alone is larger
        search(task)
    assert not list(task.folder.rglob("model"))
    found = search(task)
    assert [trial["trial"] for trial in found.trials] == [1, 2]
    assert not [path for path in task.folder.rglob("*") if path.name.endswith(".tmp") or path.name.startswith(".gone")]
    with _room_for(100), pytest.raises(OutputError) as error:
        search(task)  # finished: only the report is written again
    assert _refuses(error, "trials.jsonl")
    assert (task.folder / "trials.jsonl").read_text().count("\n") == 2


def test_a_file_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", "old")
    with _room_for(10), pytest.raises(OutputError, match=r"a.txt: cannot be written \(File too large\)"):
        write_whole(tmp_path / "a.txt", "new" * 100)
    assert _contents(tmp_path) == {"a.txt": b"old"}


@pytest.fixture
def bert(tiny_encoder_folder: Path, corpus_folder: Path, tmp_path: Path) -> TrainConfig:
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    fine_tuning = FineTuningConfig(precision="fp32", epochs=2, batch_pieces=300, head_start=0)
    model = BertConfig(encoder=EncoderConfig(str(tiny_encoder_folder)), max_length=64, fine_tuning=fine_tuning,
                       scored_folds=1)  # fmt: skip
    data = DataConfig(corpus=str(corpus_folder), domains=str(tmp_path / "domains.yaml"))
    return TrainConfig(model=model, data=data, split=SplitConfig(n_folds=2), output=str(tmp_path / "out" / "run"))


def test_a_checkpoint_that_cannot_be_written_is_told_and_leaves_no_part_of_itself(
    bert: TrainConfig, tmp_path: Path
) -> None:
    with _room_for(20_000), pytest.raises(OutputError) as error:
        run(bert)
    assert _refuses(error, "checkpoint-")
    assert "checkpoints before it stay" in str(error.value)
    left = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["run.json"]
    assert json.loads(left[0].read_text())["key"]
    run(bert)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["run"]


def test_what_is_kept_of_a_run_is_kept_whole_or_not_at_all(
    bert: TrainConfig, examples: Examples, make_tiny_bert: Callable[[], BertClassifier]
) -> None:
    unfinished = Unfinished.open(bert, examples, examples.take(np.arange(0)))
    unfinished.keep_scores("fold 1", np.ones(3))
    before = _contents(unfinished.folder)
    with _room_for(200):
        for keep in (
            lambda: unfinished.keep_scores("fold 1", np.zeros(1000)),
            lambda: unfinished.keep_network("fold 2", make_tiny_bert().network),
            lambda: unfinished.keep_curve("fold 1", [{"step": n} for n in range(100)], n_read=1),
        ):
            with pytest.raises(OutputError, match="cannot be written"):
                keep()
    assert _contents(unfinished.folder) == before
