"""What may be searched, and how a trial's values become a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.training.model_config import TfidfConfig
from tagger.training.search_config import ParameterConfig, SearchConfig, SearchTask, compose_search

_C = ParameterConfig("model.head.C", low=0.1, high=10.0, log=True)


def test_the_search_called_like_the_model_is_taken() -> None:
    assert "C" in compose_search(["model=tfidf"]).search.space
    assert "learning_rate" in compose_search(["model=bert"]).search.space


def test_settings_of_a_search_are_given_like_any_other() -> None:
    task = compose_search(["model=tfidf", "search.n_trials=7", "search.space.C.high=3", "~search.space.min_df"])
    assert task.search.n_trials == 7
    assert task.search.space["C"].high == 3.0
    assert "min_df" not in task.search.space


def test_its_folder_is_one_for_searches_unless_one_is_named() -> None:
    assert compose_search(["model=tfidf"]).folder == Path("searches/tfidf")
    assert compose_search(["model=tfidf", "output=mine"]).folder == Path("mine")


def test_values_become_settings_of_a_run() -> None:
    task = compose_search(["model=tfidf", "model.shrinkage=7"])
    params = {"C": 1.5e-5, "loss": '"log_loss"', "char_ngrams": "[2, 3]", "word_ngrams": "null", "binary": "false"}
    config = task.configure(params, Path("here"))
    assert isinstance(config.model, TfidfConfig)
    assert (config.model.head.C, config.model.head.loss) == (1.5e-5, "log_loss")
    features = config.model.features
    assert (features.char_ngrams, features.word_ngrams, features.binary) == ([2, 3], None, False)
    assert (config.model.shrinkage, config.output) == (7.0, "here")


def test_a_group_may_be_chosen_too() -> None:
    space = {"damage": ParameterConfig("augmentation", kind="categorical", choices=["none", "damage"])}
    task = SearchTask(compose_search().base, SearchConfig(space=space), (), None, Path("x"))
    assert task.configure({"damage": '"damage"'}, Path("x")).augmentation.share > 0


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["search.metric=f1"], "search.metric: found 'f1'. Did you mean 'f1_micro'?"),
        (["search.sampler=tpf"], "search.sampler: found 'tpf'. Did you mean 'tpe'?"),
        (["search.pruner=medain"], "search.pruner: found 'medain'. Did you mean 'median'?"),
        (["search.n_trials=0"], "search.n_trials: found 0, expected 1 or more."),
        (["search.n_trails=9"], "Could not override 'search.n_trails'"),
        (["search.space.C.key=model.head.c"], "search.space.C.key: unknown setting 'model.head.c'. Did you"),
        (["search.space.C.key=seed"], "search.space.C.key: unknown setting 'seed'."),
        (["search.space.C.key=split.n_folds"], "search.space.C.key: unknown setting 'split.n_folds'."),
        (["search.space.C.low=30"], "search.space.C: found 30.0 to 20.0, expected a lower and a higher number."),
        (["search.space.C.low=0"], "search.space.C: log needs numbers above 0 and no step."),
        (["search.space.C.kind=flaot"], "search.space.C.kind: found 'flaot'. Did you mean 'float'?"),
        (["search.space.min_df.low=1.5"], "search.space.min_df: found 1.5 to 5.0, expected whole numbers."),
        (["search.space.loss.choices=[log_loss]"], "search.space.loss.choices: found ['log_loss'], expected two or"),
        (["search.space.binary.key=model.head.C"], "search.space: model.head.C is searched twice."),
        (["+search.space.C.hihg=3"], "search.space.C: unknown setting 'hihg'. Did you mean 'high'?"),
        (["model=lexicon"], "Could not find 'search/lexicon'."),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_search_that_cannot_be_made_is_told_in_one_line(settings: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        compose_search(settings)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_search_without_a_space_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# @package _global_\nsearch:\n  space: {}\n")
    with pytest.raises(UsageError, match=r"search.space: nothing to search. Name at least one setting."):
        compose_search([f"experiment={tmp_path}/mine.yaml"])


@pytest.mark.parametrize("value", ["it's", 'a"b', "a\\b", "a\\", "\\'", "x,y", "{z}", "通 报=1"])
def test_any_text_reaches_the_setting_as_it_is(value: str) -> None:
    space = {"l": ParameterConfig("model.lexicon", kind="categorical", choices=[value, "other"])}
    task = SearchTask(compose_search().base, SearchConfig(space=space), (), None, Path("x"))
    found = task.configure({"l": json.dumps(value)}, Path("x")).model.lexicon
    assert found == value
