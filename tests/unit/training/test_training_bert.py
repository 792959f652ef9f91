"""Training a BERT on the small corpus: folds, teacher, signals, files, and runs that are cut off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import ModelError, UsageError
from tagger.models.bert import BertClassifier
from tagger.models.storage import load_model
from tagger.training import bert as module
from tagger.training import fitter
from tagger.training.config import DataConfig, SplitConfig, TrainConfig
from tagger.training.fine_tuning import fine_tune
from tagger.training.fitter import Fitter
from tagger.training.model_config import BertConfig, EncoderConfig, FineTuningConfig, NgramsConfig
from tagger.training.run import run, train
from tagger.training.stacking import combine_out_of_fold
from tagger.training.trained import Trained

_FINE_TUNING = FineTuningConfig(precision="fp32", epochs=3, learning_rate=1e-2, head_rate=5.0, batch_pieces=200)
_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"
MakeConfig = Callable[..., TrainConfig]


class Cut(Exception):
    """A run that is cut off."""


@pytest.fixture(scope="module")
def configure(tiny_encoder_folder: Path) -> Callable[..., TrainConfig]:
    """Makes the config of a run of two folds."""

    def make(output: Path, *, seed: int = 1, data: DataConfig | None = None, n_folds: int = 2,
             **model: Any) -> TrainConfig:  # fmt: skip
        settings = {"encoder": EncoderConfig(name=str(tiny_encoder_folder)), "max_length": 64,
                    "signals": ["text", "ngrams", "previous"], "fine_tuning": _FINE_TUNING}  # fmt: skip
        return TrainConfig(
            model=BertConfig(**{**settings, **model}), split=SplitConfig(n_folds=n_folds), seed=seed,
            output=str(output), data=data or DataConfig(),
        )  # fmt: skip

    return make


@pytest.fixture
def make_config(configure: MakeConfig, tmp_path: Path) -> MakeConfig:
    """The same, with an output of the test's own."""
    return lambda **settings: configure(tmp_path / "model", **settings)


@pytest.fixture(scope="module")
def trained(
    configure: MakeConfig, tmp_path_factory: pytest.TempPathFactory, examples: Examples, domains: DomainSet
) -> Trained:
    """An uninterrupted run."""
    return train(configure(tmp_path_factory.mktemp("whole") / "model"), examples, domains)


@pytest.fixture
def titles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the networks that are fine-tuned, in order."""
    seen: list[str] = []

    def watch(*args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["run"].title)
        return fine_tune(*args, **kwargs)

    monkeypatch.setattr(fitter, "fine_tune", watch)
    return seen


def _without_seconds(curves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in step.items() if name != "seconds"} for step in curves]


def _figures(trained: Trained) -> dict[str, Any]:
    return {name: value for name, value in trained.metrics.items() if name != "cost"}


def test_a_run_gives_scores_of_every_sentence(trained: Trained, examples: Examples, tmp_path: Path) -> None:
    assert trained.y_proba.shape == examples.y_true.shape
    assert ((trained.y_proba >= 0) & (trained.y_proba <= 1)).all()
    assert trained.thresholds.shape == (3,)
    assert trained.metrics["n_texts"] == len(examples)
    assert trained.metrics["cost"]["seconds_per_1000_sentences"] > 0
    # Calibrated: as many are expected as there are.
    np.testing.assert_allclose(trained.y_proba.mean(axis=0), examples.y_true.mean(axis=0), atol=0.1)


def test_the_classifier_knows_its_own_sentences_better_than_the_folds(trained: Trained, examples: Examples) -> None:
    assert isinstance(trained.classifier, BertClassifier)
    assert trained.classifier.signals == ("text", "ngrams", "previous")
    seen = trained.classifier.predict_proba(examples.texts)
    assert _separation(seen, examples) > max(_separation(trained.y_proba, examples), 0.6)


@pytest.mark.parametrize("signals", [["text", "clauses"], ["previous"], []])
def test_signals_that_are_none_are_told_before_anything_is_trained(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, titles: list[str], signals: list[str]
) -> None:
    with pytest.raises(UsageError, match=r"model\.signals"):
        train(make_config(signals=signals), examples, domains)
    assert titles == []


def test_ngrams_that_cannot_be_fitted_are_told_before_anything_is_trained(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, titles: list[str]
) -> None:
    with pytest.raises(UsageError, match=r"model\.ngrams"):
        train(make_config(ngrams=NgramsConfig(loss="other")), examples, domains)
    assert titles == []


def test_a_fold_that_stands_alone_is_weighed_by_bulletins_that_it_does_not_score(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(module, "combine_out_of_fold", lambda y, s, f: seen.append(f) or combine_out_of_fold(y, s, f))
    trained = train(make_config(scored_folds=1), examples, domains)
    scored = np.flatnonzero(~np.isnan(trained.y_proba).any(axis=1))
    [folds] = seen
    assert len(folds) > 1
    assert sorted(np.concatenate([rows for _, rows in folds])) == scored.tolist()
    for fit, rows in folds:
        assert not set(examples.bulletins[fit]) & set(examples.bulletins[rows])


def _separation(y_proba: np.ndarray, examples: Examples) -> float:
    """How often a present domain scores above an absent one."""
    is_there = examples.y_true == 1
    return float(np.mean(y_proba[is_there][:, None] > y_proba[~is_there]))


def test_the_same_seed_gives_the_same_figures(
    trained: Trained, make_config: MakeConfig, examples: Examples, domains: DomainSet
) -> None:
    again = train(make_config(), examples, domains)
    np.testing.assert_array_equal(again.y_proba, trained.y_proba)
    np.testing.assert_array_equal(again.thresholds, trained.thresholds)
    assert _figures(again) == _figures(trained)


def test_another_seed_gives_other_scores(
    trained: Trained, make_config: MakeConfig, examples: Examples, domains: DomainSet
) -> None:
    assert not np.array_equal(train(make_config(seed=2), examples, domains).y_proba, trained.y_proba)


def test_sentences_of_folds_that_are_not_scored_have_no_scores(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, titles: list[str]
) -> None:
    trained = train(make_config(n_folds=4, scored_folds=1), examples, domains)
    is_scored = ~np.isnan(trained.y_proba).any(axis=1)
    assert np.array_equal(is_scored, ~np.isnan(trained.y_proba).all(axis=1))
    assert len(np.unique(examples.bulletins[is_scored])) == 2
    assert not set(examples.bulletins[is_scored]) & set(examples.bulletins[~is_scored])
    assert trained.metrics["n_texts"] == is_scored.sum()
    assert titles == ["fold 1 of 1", "all bulletins"]


def test_a_teacher_hands_its_layers_and_its_scores_on(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, titles: list[str]
) -> None:
    config = make_config(n_folds=2, scored_folds=1, teacher_epochs=1, layers=[1])
    trained = train(config, examples, domains)
    assert titles == ["teacher, fold 1 of 1", "fold 1 of 1", "teacher, all bulletins", "all bulletins"]
    assert trained.classifier.network.architecture()["num_hidden_layers"] == 1
    seen = trained.classifier.predict_proba(examples.texts)
    assert _separation(seen, examples) > 0.6


def _bulletins(texts: Iterable[str], examples: Examples) -> set[str]:
    """The bulletins of texts that no other bulletin has."""
    known = {text.text: bulletin for text, bulletin in zip(examples.texts, examples.bulletins, strict=True)}
    return {known[text] for text in texts}


def test_the_best_epoch_is_chosen_on_bulletins_held_out(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dataclasses.replace(_FINE_TUNING, validation=0.25, patience=1)
    fitted, judged = [], []
    read, judge = fitter.read_inputs, Fitter._judge

    def remember(texts: Sequence[str], *args: Any) -> Any:
        fitted.append(set(texts))
        return read(texts, *args)

    def judge_by(self: Fitter, chosen_by: Examples) -> Any:
        judged.append(chosen_by)
        return judge(self, chosen_by)

    monkeypatch.setattr(fitter, "read_inputs", remember)
    monkeypatch.setattr(Fitter, "_judge", judge_by)
    config = make_config(scored_folds=1, refit_epochs=1, fine_tuning=settings)
    trained = train(config, examples, domains)
    [chosen_by] = judged
    assert len(fitted) == 2, "the fold, and all bulletins, of which none is left to judge by"
    of_fold, everything = (_bulletins(texts, examples) for texts in fitted)
    assert set(chosen_by.bulletins) & of_fold == set()
    assert set(chosen_by.bulletins) | of_fold < everything
    judging = [step for step in trained.curves if "eval_f1_macro" in step]
    assert 1 <= len(judging) <= settings.epochs


def test_epochs_that_were_not_needed_are_not_in_the_cost(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []
    settings = dataclasses.replace(_FINE_TUNING, epochs=40, validation=0.25, patience=2)

    def keep(_: Any, title: str, steps: list[dict[str, float]], *, n_read: int) -> None:
        read.append((round(steps[-1]["epoch"] * settings.epochs), n_read))

    monkeypatch.setattr(fitter.Unfinished, "keep_curve", keep)
    monkeypatch.setattr(Fitter, "_judge", lambda *_: lambda network: {"f1_macro": 0.5, "f1_micro": 0.5})
    trained = train(make_config(n_folds=2, scored_folds=1, refit_epochs=0, fine_tuning=settings), examples, domains)
    [(epochs, n_read)] = read
    assert epochs == 3, "the second and the third were no better than the first"
    assert n_read < 3 * len(trained.rows)
    assert n_read > 1.5 * len(trained.rows)


_ABOVE = "expected a number above 0."


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"layers": []}, "layers: layers [], expected numbers from 0 to 1. model.layers=null keeps all layers"),
        ({"layers": [2]}, "layers: layers [2], expected numbers from 0 to 1."),
        ({"layers": [-1]}, "layers: layers [-1], expected numbers from 0 to 1."),
        ({"layers": [0, 5]}, "layers: layers [0, 5], expected numbers from 0 to 1."),
        ({"layers": [1, 1]}, "layers: layers [1, 1], expected each once."),
        ({"max_length": 129}, "max_length: found 129, expected at most the encoder's 128."),
        ({"max_length": 4}, "max_length: found 4, expected at least 8."),
        ({"scored_folds": 0}, "scored_folds: found 0, expected at least 1."),
        ({"scored_folds": -1}, "scored_folds: found -1, expected at least 1."),
        ({"teacher_epochs": -1}, "teacher_epochs: found -1, expected at least 0."),
        ({"refit_epochs": -1}, "refit_epochs: found -1, expected at least 0."),
        ({"shrinkage": float("nan")}, "shrinkage: found nan, expected at least 0."),
        ({"epochs": 0}, "fine_tuning.epochs: found 0, expected at least 1."),
        ({"learning_rate": 0.0}, f"fine_tuning.learning_rate: found 0, {_ABOVE}"),
        ({"learning_rate": float("inf")}, f"fine_tuning.learning_rate: found inf, {_ABOVE}"),
        ({"temperature": 0.0}, f"fine_tuning.temperature: found 0, {_ABOVE}"),
        ({"positive_weight": -1.0}, f"fine_tuning.positive_weight: found -1, {_ABOVE}"),
        ({"validation": -0.1}, "fine_tuning.validation: found -0.1, expected 0 to 0.5."),
        ({"validation": 0.9}, "fine_tuning.validation: found 0.9, expected 0 to 0.5."),
        ({"warmup": 1.5}, "fine_tuning.warmup: found 1.5, expected 0 to 1."),
        ({"dropout": 1.0}, "fine_tuning.dropout: found 1, expected 0 or more, below 1."),
        ({"batch_pieces": 0}, "fine_tuning.batch_pieces: found 0, expected at least 1."),
        ({"loss": "dice"}, "fine_tuning.loss: found 'dice'. Did you mean 'bce'?"),
        ({"loss": "assymetric"}, "fine_tuning.loss: found 'assymetric'. Did you mean 'asymmetric'?"),
        ({"precision": "fp16"}, "fine_tuning.precision: found 'fp16'. Did you mean 'bf16'?"),
    ],
    ids=str,
)
def test_settings_that_train_nothing_are_told_before_anything_is_trained(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, tmp_path: Path, settings: dict[str, Any],
    problem: str,
) -> None:  # fmt: skip
    own = {name: settings.pop(name) for name in list(settings) if hasattr(_FINE_TUNING, name)}
    fine_tuning = dataclasses.replace(_FINE_TUNING, **own)
    config = make_config(**{"teacher_epochs": 1, **settings}, fine_tuning=fine_tuning)
    with pytest.raises(UsageError) as error:
        train(config, examples, domains)
    assert str(error.value).startswith(f"model.{problem}")
    assert not (tmp_path / "model.unfinished").exists()


def test_a_head_that_starts_at_random_starts_from_the_seed(
    make_config: MakeConfig, examples: Examples, domains: DomainSet
) -> None:
    config = make_config(fine_tuning=dataclasses.replace(_FINE_TUNING, head_start=0))
    scores = [train(config, examples, domains).y_proba for _ in range(2)]
    assert np.array_equal(*scores, equal_nan=True)


def test_too_few_bulletins_for_the_folds_are_told(
    make_config: MakeConfig, examples: Examples, domains: DomainSet
) -> None:
    with pytest.raises(UsageError, match="More bulletins or fewer folds"):
        train(make_config(n_folds=9), examples, domains)


def test_an_encoder_that_is_not_there_is_told(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="nowhere: no such encoder"):
        train(make_config(encoder=EncoderConfig(name=str(tmp_path / "nowhere"))), examples, domains)


def test_a_run_that_was_cut_off_goes_on_and_ends_like_one_that_was_not(
    trained: Trained, make_config: MakeConfig, examples: Examples, domains: DomainSet, tmp_path: Path,
    titles: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(Fitter, "fit", _cut_at("fold 2 of 2", Fitter.fit))
        with pytest.raises(Cut):
            train(make_config(), examples, domains)
    assert titles == ["fold 1 of 2"]
    assert (tmp_path / "model.unfinished").is_dir()
    again = train(make_config(), examples, domains)
    assert titles == ["fold 1 of 2", "fold 2 of 2", "all bulletins"]
    np.testing.assert_array_equal(again.y_proba, trained.y_proba)
    assert _figures(again) == _figures(trained)
    np.testing.assert_array_equal(
        again.classifier.predict_proba(examples.texts), trained.classifier.predict_proba(examples.texts)
    )
    assert list(dict.fromkeys(step["part"] for step in again.curves)) == titles
    assert _without_seconds(again.curves) == _without_seconds(trained.curves)
    assert again.metrics["cost"]["seconds_per_1000_sentences"] > 0  # what was trained before the cut among it
    again.finish()
    assert not (tmp_path / "model.unfinished").exists()


def _cut_at(title: str, fit: Callable[..., Any]) -> Callable[..., Any]:
    def cut(self: Any, of: str, examples: Examples) -> Any:
        if of == title:
            raise Cut
        return fit(self, of, examples)

    return cut


def test_a_run_writes_a_model_and_its_scores_out_of_fold(
    trained: Trained, make_config: MakeConfig, examples: Examples, corpus_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    data = DataConfig(corpus=str(corpus_folder), domains=str(tmp_path / "domains.yaml"))
    manifest = run(make_config(data=data))
    loaded = load_model(tmp_path / "model")
    assert (loaded.manifest.kind, loaded.manifest.metrics["f1_macro"]) == ("bert", trained.metrics["f1_macro"])
    assert loaded.manifest.version == manifest.version
    np.testing.assert_array_equal(
        loaded.classifier.predict_proba(examples.texts), trained.classifier.predict_proba(examples.texts)
    )
    with np.load(tmp_path / "model" / "out_of_fold.npz", allow_pickle=False) as scores:
        assert scores["ids"].tolist() == examples.ids
        np.testing.assert_array_equal(scores["y_proba"], trained.y_proba)
        np.testing.assert_array_equal(scores["thresholds"], loaded.thresholds)
        assert scores["domains"].tolist() == ["traffic", "patrol", "propaganda"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["domains.yaml", "model"]


def test_the_final_network_may_go_on_from_that_of_a_fold(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, titles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(scored_folds=1, teacher_epochs=1, layers=[1], refit_epochs=1)
    whole = train(config, examples, domains)
    assert titles == ["teacher, fold 1 of 1", "fold 1 of 1", "all bulletins"]
    assert _separation(whole.classifier.predict_proba(examples.texts), examples) > 0.6
    assert whole.rows.tolist() == np.flatnonzero(~examples.noise).tolist()
    whole.finish()
    with monkeypatch.context() as patch:
        patch.setattr(Fitter, "go_on", _cut_at_end)
        with pytest.raises(Cut):
            train(config, examples, domains)
    again = train(config, examples, domains)
    assert titles[3:] == titles[:3], "what the fold had trained was not trained again"
    np.testing.assert_array_equal(
        again.classifier.predict_proba(examples.texts), whole.classifier.predict_proba(examples.texts)
    )


def test_a_fold_alone_is_enough_for_an_experiment(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, titles: list[str]
) -> None:
    trained = train(make_config(scored_folds=1, refit_epochs=0), examples, domains)
    assert titles == ["fold 1 of 1"]
    held_out = np.flatnonzero(~np.isnan(trained.y_proba).any(axis=1))
    signals = np.full((*examples.y_true.shape, 3), np.nan)
    signals[held_out] = trained.classifier.compute_signals(examples.take(held_out).texts)
    is_text = ~np.isnan(signals).any(axis=(1, 2)) & ~examples.noise
    folds = module._among(is_text, [(held_out, held_out)], examples, {b: b for b in examples.bulletins.tolist()}, 1)
    again = combine_out_of_fold(examples.y_true, signals, folds)
    np.testing.assert_allclose(again[held_out], trained.y_proba[held_out], atol=1e-6)
    assert set(trained.rows.tolist()) == set(np.flatnonzero(~examples.noise).tolist()) - set(held_out.tolist())


def test_damaged_copies_of_held_out_bulletins_are_not_trained_on(
    make_config: MakeConfig, examples: Examples, domains: DomainSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = dataclasses.replace(examples, texts=[t._replace(text=f"■{t.text}") for t in examples.texts])
    fitted: list[Examples] = []

    def fit(self: Fitter, title: str, part: Examples) -> Any:
        fitted.append(part)
        return whole(self, title, part)

    whole = Fitter.fit
    monkeypatch.setattr(Fitter, "fit", fit)
    trained = train(make_config(), examples, domains, copies=damaged)
    assert len(fitted) == 3
    for part in fitted:
        is_copy = np.array([text.text.startswith("■") for text in part.texts])
        assert sorted(part.bulletins[is_copy]) == sorted(part.bulletins[~is_copy])
    assert _separation(trained.y_proba, examples) > 0.3


def test_bulletins_that_share_text_stay_together_within_a_fold(examples: Examples) -> None:
    names = np.unique(examples.bulletins).tolist()
    groups = {name: names[index // 2] for index, name in enumerate(names)}
    parts = module._divide(np.arange(len(examples)), examples, groups, seed=1)
    assert len(parts) == len(set(groups.values()))
    for part in parts:
        assert len({groups[name] for name in examples.bulletins[part].tolist()}) == 1


def test_a_share_of_the_data_is_all_that_the_final_network_is_fitted_on(
    make_config: MakeConfig, examples: Examples, domains: DomainSet
) -> None:
    rows = train(make_config(seed=3, data=DataConfig(share=0.5)), examples, domains).rows
    left_out = set(examples.bulletins) - set(examples.bulletins[rows])
    assert 0 < len(left_out) < len(set(examples.bulletins))
    assert set(rows.tolist()) == set(np.flatnonzero(~examples.noise & ~np.isin(examples.bulletins, list(left_out))))


def _cut_at_end(*_: Any, **__: Any) -> Any:
    raise Cut
