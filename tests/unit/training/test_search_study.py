"""The trials of a search: the same after any interruption, and none lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import OutputError
from tagger.training.search_config import ParameterConfig, SearchConfig
from tagger.training.search_study import Study

_SPACE = {
    "C": ParameterConfig("model.head.C", low=0.1, high=10.0, log=True),
    "min_df": ParameterConfig("model.features.min_df", kind="int", low=1, high=9, step=2),
    "grams": ParameterConfig("model.features.char_ngrams", kind="categorical", choices=[[1, 2], [1, 3], None]),
}
_SEARCH = SearchConfig(n_trials=6, startup_trials=3, pruner_trials=2, space=_SPACE)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study without a trial, which takes a while to make; copied for each test."""
    path = tmp_path_factory.mktemp("study") / "study.sqlite"
    Study(path, _SEARCH, seed=1, n_folds=3)
    return path


@pytest.fixture
def path(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path / "study.sqlite"))


def _open(path: Path, *, seed: int = 1, search: SearchConfig = _SEARCH) -> Study:
    return Study(path, search, seed=seed, n_folds=3)


def _value(params: dict[str, Any], n_folds: int) -> float:
    return 1 / (1 + abs(params["C"] - 2) + params["min_df"]) + 0.001 * n_folds


def _go_on(study: Study) -> None:
    """Run the trials that are left."""
    while (trial := study.next(None)) is not None:
        is_poor = any(study.is_poor(trial, n, _value(trial.params, n)) for n in (1, 2, 3))
        study.end(trial, "PRUNED" if is_poor else "COMPLETE", None if is_poor else _value(trial.params, 3), seconds=0.1)


def _told(study: Study) -> list[tuple[Any, ...]]:
    return [(t.number, t.state.name, t.value, t.params, t.intermediate_values) for t in study.trials()]


def test_it_gives_as_many_trials_as_there_should_be(path: Path) -> None:
    study = _open(path)
    _go_on(study)
    assert [trial.number for trial in study.trials()] == list(range(6))
    assert {trial.state.name for trial in study.trials()} == {"COMPLETE", "PRUNED"}
    assert study.next(None) is None
    values = [trial.value for trial in study.completed()]
    assert values == sorted(values, reverse=True)


def test_the_same_seed_gives_the_same_trials_and_another_gives_others(path: Path, empty: Path, tmp_path: Path) -> None:
    paths = [path, *(Path(shutil.copy(empty, tmp_path / f"{n}.sqlite")) for n in range(2))]
    one, again, other = (_open(path, seed=seed) for path, seed in zip(paths, (1, 1, 2), strict=True))
    for study in (one, again, other):
        _go_on(study)
    assert _told(one) == _told(again)
    assert _told(one) != _told(other)


def test_a_search_that_is_opened_anew_at_every_step_is_the_same(path: Path, empty: Path, tmp_path: Path) -> None:
    whole = _open(Path(shutil.copy(empty, tmp_path / "whole.sqlite")))
    _go_on(whole)
    for n_folds in (0, 1, 2, 3, 0, 2):  # each time the process is gone after so many folds of a trial
        study = _open(path)
        trial = study.next(None)
        assert trial is not None
        for n in range(1, n_folds + 1):
            study.is_poor(trial, n, _value(trial.params, n))
        if n_folds == 3:  # and once, after a whole one
            study.end(trial, "COMPLETE", _value(trial.params, 3), seconds=0.1)
    _go_on(_open(path))
    assert _told(_open(path)) == _told(whole)


def test_a_trial_that_was_cut_off_is_taken_up_with_its_values(path: Path) -> None:
    begun = _open(path).next({"C": 1.0, "min_df": 3, "grams": "null"})
    again = _open(path).next(None)
    assert begun is not None
    assert again is not None
    assert (again.number, again.params) == (begun.number, {"C": 1.0, "min_df": 3, "grams": "null"})
    assert len(_open(path).trials()) == 1


def test_more_trials_go_on_where_fewer_ended(path: Path, empty: Path, tmp_path: Path) -> None:
    import dataclasses

    whole = _open(Path(shutil.copy(empty, tmp_path / "whole.sqlite")))
    _go_on(whole)
    _go_on(_open(path, search=dataclasses.replace(_SEARCH, n_trials=3)))
    assert len(_open(path).trials()) == 3
    _go_on(_open(path))
    assert _told(_open(path)) == _told(whole)


def test_hyperband_and_chance_go_on_the_same_way(path: Path, empty: Path, tmp_path: Path) -> None:
    import dataclasses

    search = dataclasses.replace(_SEARCH, pruner="hyperband", sampler="random")
    studies = [_open(p, search=search) for p in (path, Path(shutil.copy(empty, tmp_path / "other.sqlite")))]
    for study in studies:
        _go_on(study)
    assert _told(studies[0]) == _told(studies[1])


def test_a_file_that_is_no_database_is_told_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "study.sqlite"
    path.write_text("mine")
    with pytest.raises(OutputError) as error:
        _open(path)
    assert str(error.value).startswith(f"{path}: the trials cannot be read or written (file is not a database)")
    assert path.read_text() == "mine"


def test_a_folder_with_any_name_can_hold_it(empty: Path, tmp_path: Path) -> None:
    folder = tmp_path / "什么 ?%20#&"
    folder.mkdir()
    shutil.copy(empty, folder / "study.sqlite")
    assert _open(folder / "study.sqlite").next(None) is not None
    assert [path.name for path in folder.iterdir()] == ["study.sqlite"]
