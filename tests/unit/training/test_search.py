"""A search on the small corpus: its trials, its folder, what it finds, and what it refuses."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tagger.corpus.examples import Examples
from tagger.errors import OutputError, TrainingError, UsageError
from tagger.models.storage import load_model
from tagger.training import search as search_module
from tagger.training.composing import compose
from tagger.training.run import run
from tagger.training.search import search
from tagger.training.search_config import SearchTask, compose_search
from tagger.training.search_report import Findings

_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"


@pytest.fixture(scope="module")
def settings(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A search of two settings on the small corpus."""
    file = tmp_path_factory.mktemp("data") / "domains.yaml"
    file.write_text(_DOMAINS)
    kept = ("C", "min_df")
    space = compose_search(["model=tfidf"]).search.space
    return ["model=tfidf", f"data.corpus={corpus_folder}", f"data.domains={file}", "split.n_folds=2",
            "model.signals=[text,previous]", "model.features.min_df=1", "search.n_trials=3",
            "search.space.min_df.high=2", "search.startup_trials=2", "search.pruner=none",
            *(f"~search.space.{name}" for name in space if name not in kept)]  # fmt: skip


@pytest.fixture(scope="module")
def done(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """A search of three trials, read only."""
    return search(_task(settings, tmp_path_factory.mktemp("done") / "search"))


def _task(settings: list[str], folder: Path, *more: str) -> SearchTask:
    return compose_search([*settings, f"output={folder}", *more])


def test_every_trial_is_there_and_the_best_has_the_highest_score(done: Findings) -> None:
    assert [trial["trial"] for trial in done.trials] == [1, 2, 3]
    assert {trial["state"] for trial in done.trials} == {"finished"}
    assert done.best["value"] == max(trial["value"] for trial in done.trials)
    assert done.trials[0]["parameters"] == {"model.head.C": 1.0, "model.features.min_df": 1}  # as configured
    assert all(len(trial["scores"]) == 2 for trial in done.trials)


def test_the_value_of_a_trial_is_the_score_in_its_run_folder(done: Findings) -> None:
    for trial in done.trials:
        folder = done.task.folder / "trials" / f"{trial['trial']:04d}"
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["out_of_fold"]["levels"]["sentence"]["f1_macro"] == pytest.approx(trial["value"], abs=1e-6)


def test_the_best_run_has_its_model_and_no_other_has(done: Findings, examples: Examples) -> None:
    folder = done.task.folder
    assert (folder / "best").resolve() == folder / "trials" / f"{done.best['trial']:04d}"
    model = load_model(folder / "best" / "model")
    assert model.classifier.predict_proba(examples.texts).shape == (len(examples), 3)
    assert [path.parent.name for path in folder.glob("trials/*/model")] == [f"{done.best['trial']:04d}"]


def test_the_report_says_that_the_best_score_flatters(done: Findings) -> None:
    assert done.correction is not None
    assert done.correction["n_models"] == 3
    report = (done.task.folder / "report.md").read_text()
    assert "which therefore flatters it" in report
    assert f"**{done.correction['corrected']:.4f}**" in report
    assert len((done.task.folder / "trials.jsonl").read_text().splitlines()) == 3


def test_the_best_settings_are_an_experiment_that_gives_the_same_run(done: Findings, tmp_path: Path) -> None:
    config = compose([f"experiment={done.task.folder}/best.yaml", f"output={tmp_path}/again"])
    manifest = run(config)
    best = json.loads((done.task.folder / "best" / "run.json").read_text())
    assert manifest.metrics["f1_macro"] == pytest.approx(done.best["value"], abs=1e-6)
    # Weights and scores to the last bit: the same config and seed.
    for name in ("metrics.json", "split.json"):
        one, other = (json.loads((f / name).read_text()) for f in (done.task.folder / "best", tmp_path / "again"))
        one.pop("cost", None), other.pop("cost", None)
        assert one == other
    assert best["seed"] == config.seed


def test_nothing_is_done_twice(done: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "run", None)
    before = sorted(done.task.folder.rglob("*"))
    again = search(done.task)
    assert (again.trials, again.best, again.correction) == (done.trials, done.best, done.correction)
    assert sorted(done.task.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("search.space.C.low=0.5", "holds a search with space.C.low 0.05, now 0.5."),
        ("seed=2", "holds a search with seed 1, now 2."),
        ("search.metric=f1_micro", "holds a search with metric 'f1_macro', now 'f1_micro'."),
    ],
)
def test_a_search_of_other_settings_is_not_gone_on_with(
    done: Findings, settings: list[str], change: str, problem: str
) -> None:
    with pytest.raises(UsageError) as error:
        search(_task(settings, done.task.folder, change))
    assert str(error.value).startswith(f"{done.task.folder}: {problem}")


def test_two_processes_do_not_search_in_one_folder(done: Findings) -> None:
    with (done.task.folder / ".lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another process is searching here"):
            search(done.task)


def test_a_folder_of_something_else_is_refused_and_kept(settings: list[str], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something that is not a search"):
        search(_task(settings, tmp_path))
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_trial_that_fails_is_told_and_stops_no_other(settings: list[str], tmp_path: Path) -> None:
    low = "search.space.min_df.low=1", "search.space.min_df.high=40", "search.n_trials=4"
    found = search(_task(settings, tmp_path / "search", *low))
    failed = [trial for trial in found.trials if trial["state"] == "failed"]
    assert len(found.trials) == 4
    assert 0 < len(failed) < 4
    assert all("smaller min_df" in trial["problem"] for trial in failed)
    assert not (tmp_path / "search" / "trials" / f"{failed[0]['trial']:04d}").exists()


def test_a_search_of_which_nothing_succeeds_ends(settings: list[str], tmp_path: Path) -> None:
    low = "search.space.min_df.low=60", "search.space.min_df.high=90", "search.n_trials=9"
    with pytest.raises(TrainingError, match="3 trials failed and none succeeded, the last: training: "):
        search(_task(settings, tmp_path / "search", *low))


def test_a_poor_trial_is_cut_short_and_leaves_no_run(
    settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tagger.training.search_study import Study

    told: list[tuple[int, int]] = []

    def is_poor(self: Study, trial: Any, n_folds: int, value: float) -> bool:
        told.append((trial.number, n_folds))
        trial.report(value, n_folds - 1)
        return trial.number == 1

    monkeypatch.setattr(Study, "is_poor", is_poor)
    found = search(_task(settings, tmp_path / "search"))
    assert [trial["state"] for trial in found.trials] == ["finished", "cut short", "finished"]
    assert told == [(0, 1), (0, 2), (1, 1), (2, 1), (2, 2)]
    assert sorted(os.listdir(tmp_path / "search" / "trials")) == ["0001", "0003"]
