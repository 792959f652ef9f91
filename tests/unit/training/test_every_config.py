"""Every file in ``conf/`` composes and fits its dataclass, and a mistake in any of it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.project import project_path
from tagger.training.composing import compose, compose_data
from tagger.training.config import TrainConfig, config_from_dict, config_to_dict
from tagger.training.model_config import MODELS
from tagger.training.search_config import compose_search

_CONF = project_path("conf")
_FILES = sorted(path.relative_to(_CONF).with_suffix("").as_posix() for path in _CONF.rglob("*.yaml"))


def _overrides(file: str) -> list[str]:
    group, _, option = file.rpartition("/")
    if not group:
        return []
    given = [f"{group}={option}"]
    if group.startswith("model/"):  # a part of one model
        given.insert(0, "model=bert")
    if group == "search":
        given.insert(0, f"model={option}")
    return given


@pytest.mark.parametrize("file", _FILES)
def test_it_composes_and_fits_its_dataclass(file: str) -> None:
    config = compose(_overrides(file))
    assert isinstance(config, TrainConfig)
    assert config_from_dict(config_to_dict(config)) == config


@pytest.mark.parametrize("file", [file for file in _FILES if file.startswith(("search/", "experiment/"))])
def test_it_can_be_searched(file: str) -> None:
    task = compose_search(_overrides(file))
    assert task.search.space
    assert task.configure({}, Path("somewhere")).output == "somewhere"


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_model_file_says_all_that_its_dataclass_has(kind: str) -> None:
    assert set(compose_data([f"model={kind}"])["model"]) == {f.name for f in MODELS[kind].__dataclass_fields__.values()}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["search=tfdif"], "Did you mean 'tfidf'?"),
        (["tracking=mlfow"], "Did you mean 'mlflow'?"),
        (["experiment=bert_quik"], "Did you mean 'bert_quick'?"),
        (["model=bert", "model/encoder=pakaged"], "Did you mean 'packaged'?"),
        (["trackin.store=x"], "Did you mean 'tracking.store'?"),
        (["model=bert", "model.fine_tuning.epoch=2"], "Did you mean 'model.fine_tuning.epochs'?"),
        (["seed=1,2"], "For one run of each value: tagger train --multirun."),
        (["experiment=nowhere/best.yaml"], "nowhere/best.yaml: cannot be read (No such file or directory). Give "),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_typing_mistake_is_told_with_the_closest_name(settings: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        compose(settings)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_an_experiment_of_any_folder_is_taken_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "以往 的.yaml"
    file.write_text("# @package _global_\ndefaults:\n- override /model: bert\nmodel:\n  max_length: 77\nseed: 5\n")
    config = compose([f"experiment={file}", "split.n_folds=3"])
    assert (config.model.kind, config.model.max_length, config.seed, config.split.n_folds) == ("bert", 77, 5, 3)


def test_what_is_given_on_the_command_line_counts_more_than_an_experiment(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# @package _global_\nseed: 5\n")
    assert compose([f"experiment={tmp_path}/mine.yaml", "seed=6"]).seed == 6


def test_an_experiment_may_say_what_is_searched(tmp_path: Path) -> None:
    text = "# @package _global_\ndefaults:\n- override /search: tfidf\nsearch:\n  n_trials: 3\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert compose_search([f"experiment={tmp_path}/mine.yaml"]).search.n_trials == 3
    assert compose([f"experiment={tmp_path}/mine.yaml"]) == compose()
