"""The configuration of a run: what `conf/` composes to, and what a typing mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.training.composing import compose
from tagger.training.model_config import LexiconConfig, TfidfConfig


def test_without_settings_the_trained_model_is_composed() -> None:
    config = compose()
    assert isinstance(config.model, TfidfConfig)
    assert config.output == "runs/tfidf"


def test_settings_take_the_place_of_what_is_written() -> None:
    config = compose(["model.head.C=2", "seed=7", "split.n_folds=3", "model.features.char_ngrams=[2,3]"])
    assert isinstance(config.model, TfidfConfig)
    assert (config.model.head.C, config.seed, config.split.n_folds) == (2.0, 7, 3)
    assert config.model.features.char_ngrams == [2, 3]


def test_another_model_is_a_choice_of_its_group() -> None:
    config = compose(["model=lexicon"])
    assert config.model == LexiconConfig()
    assert config.output == "runs/lexicon"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["modle=tfidf"], "configuration: Could not override 'modle'. Did you mean 'model'?"),
        (["model=tfdif"], "configuration: In 'config': Could not find 'model/tfdif'. Did you mean 'tfidf'?"),
        (["model.head.c=2"], "configuration: Could not override 'model.head.c'. Did you mean 'model.head.C'?"),
        (["model.features.mindf=2"], "'model.features.mindf'. Did you mean 'model.features.min_df'?"),
        (["+sede=2"], "configuration: unknown setting 'sede'. Did you mean 'seed'?"),
        (["seed=one"], "seed: found 'one', expected int."),
        (["seed=1.5"], "seed: found 1.5, expected int."),
        (["model.head.C=true"], "model.head.C: found True, expected float."),
        (["model.signals=lead_in"], "model.signals: found 'lead_in', expected list"),
        (["model.kind=oracle"], "model: model kind 'oracle'. Known: "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_typing_mistake_is_told_with_what_is_nearest(settings: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        compose(settings)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_configuration_folder_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        compose([], tmp_path / "nowhere")
    assert str(error.value) == f"{tmp_path}/nowhere: no such configuration folder."
