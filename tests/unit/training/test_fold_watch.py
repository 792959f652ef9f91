"""What a search hears of a run, fold by fold."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.evaluation.metrics import score
from tagger.training.config import SplitConfig, TrainConfig
from tagger.training.fold_watch import score_so_far, tell_folds, watching
from tagger.training.model_config import BertConfig, EncoderConfig, FeaturesConfig, FineTuningConfig, TfidfConfig
from tagger.training.run import train
from tagger.training.trained import make_folds

_TFIDF = TfidfConfig(features=FeaturesConfig(min_df=1), signals=["text", "previous"])


class Enough(Exception):
    """What a watch raises to end a run."""


def _config(model: Any = _TFIDF) -> TrainConfig:
    return TrainConfig(model=model, split=SplitConfig(n_folds=4))


def test_it_hears_of_every_fold_and_in_the_end_of_the_figure_itself(examples: Examples, domains: DomainSet) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    with watching(lambda n, figures: told.append((n, figures))):
        trained = train(_config(), examples, domains)
    assert [n for n, _ in told] == [1, 2, 3, 4]
    assert told[-1][1]["f1_macro"] == pytest.approx(trained.metrics["f1_macro"], abs=0.05)


def test_what_it_raises_ends_the_run(examples: Examples, domains: DomainSet) -> None:
    def stop(n_folds: int, figures: dict[str, float]) -> None:
        raise Enough(n_folds)

    with watching(stop), pytest.raises(Enough) as end:
        train(_config(), examples, domains)
    assert end.value.args == (1,)


def test_nobody_is_told_outside_of_its_context(examples: Examples) -> None:
    with watching(lambda n, figures: pytest.fail("told")):
        pass
    tell_folds(examples, np.zeros((*examples.y_true.shape, 1)), [], 50.0)


def test_a_bert_tells_its_folds_too(
    tiny_encoder_folder: Path, examples: Examples, domains: DomainSet, tmp_path: Path
) -> None:
    fine_tuning = FineTuningConfig(precision="fp32", epochs=1, batch_pieces=300, head_start=0)
    model = BertConfig(encoder=EncoderConfig(str(tiny_encoder_folder)), max_length=64, fine_tuning=fine_tuning,
                       scored_folds=1)  # fmt: skip
    config = dataclasses.replace(_config(model), output=str(tmp_path / "run"))

    def stop(n_folds: int, figures: dict[str, float]) -> None:
        raise Enough(n_folds, figures)

    with watching(stop), pytest.raises(Enough) as end:
        train(config, examples, domains)
    assert end.value.args[0] == 1
    assert 0 <= end.value.args[1]["f1_micro"] <= 1


def test_the_score_so_far_is_of_the_folds_that_are_done(examples: Examples) -> None:
    folds = make_folds(_config(), examples)[:2]
    done = np.concatenate([held_out for _, held_out in folds])
    signals = np.full((*examples.y_true.shape, 1), np.nan)  # what is not done must not be read
    signals[done, :, 0] = np.where(examples.y_true[done] == 1, 4.0, -4.0)
    assert score_so_far(examples, signals, folds, 0.0) == {"f1_macro": 1.0, "f1_micro": 1.0}
    signals[done, :, 0] *= -1
    wrong = score_so_far(examples, signals, folds, 0.0)
    nothing = score(examples.y_true, np.zeros_like(examples.y_true), ["a", "b", "c"])
    assert wrong["f1_micro"] >= nothing["f1_micro"]
    assert wrong["f1_micro"] <= 1.0
