"""What a run hands to its model folder: bounds, precedents, and the figures of the card."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.evaluation.selective import calibrate_selective
from tagger.evaluation.summary import summarize
from tagger.models.bert import BertClassifier
from tagger.models.selective import Selective
from tagger.training import precedents as module
from tagger.training.card_metrics import card_metrics
from tagger.training.precedents import choose_precedents
from tagger.training.selective import choose_selective

_IDS = ("traffic", "patrol")


def _scores(n: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two domains, one frequent and one with 30 positives; bulletins of 20 sentences, paragraphs of 4."""
    rng = np.random.default_rng(0)
    y_true = np.stack([rng.random(n) < 0.4, np.arange(n) % 100 == 0], axis=1).astype(np.int8)
    y_proba = 1 / (1 + np.exp(-(np.where(y_true, 4.0, -4.0) + rng.logistic(0, 1.2, y_true.shape))))
    return y_true, y_proba.astype(np.float32), np.arange(n) // 20, np.arange(n) // 4 % 5


def test_bounds_are_chosen_with_the_load_they_mean_and_the_rare_domain_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        found = choose_selective(*_scores(), ids=_IDS, precision=0.9, recall=0.9)
    y_true, y_proba, bulletins, _ = _scores()
    assert np.array_equal(found.bounds, calibrate_selective(y_true, y_proba, bulletins, precision=0.9, recall=0.9))
    assert (found.precision, found.recall, found.delta, found.n_bulletins) == (0.9, 0.9, 0.1, 150)
    assert found.n_positives == (int(y_true[:, 0].sum()), 30)
    assert math.isinf(found.bounds[1, 1]) or found.bounds[1, 0] > 0
    assert set(found.load) == {"sentence", "paragraph"}
    assert 0 < found.load["sentence"]["share_asked"] <= found.load["paragraph"]["share_asked"] <= 1
    assert Selective.from_dict(found.to_dict(_IDS), _IDS).load == found.load


def test_a_domain_that_is_always_asked_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = choose_selective(*_scores(), ids=_IDS)
    assert found.bounds[1].tolist() == [0.0, math.inf]
    assert caplog.messages == ["--ask asks more about patrol: at least 45 labelled sentences are needed"]


def test_rows_of_folds_that_were_not_scored_do_not_count() -> None:
    y_true, y_proba, bulletins, paragraphs = _scores()
    with_gaps = np.vstack([y_proba, np.full((500, 2), np.nan, dtype=np.float32)])
    more = [np.concatenate([part, part[:500]]) for part in (y_true, bulletins, paragraphs)]
    found = choose_selective(more[0], with_gaps, more[1], more[2], ids=_IDS)
    assert np.array_equal(found.bounds, choose_selective(y_true, y_proba, bulletins, paragraphs, ids=_IDS).bounds)


@pytest.fixture
def rows(examples: Examples) -> np.ndarray:
    """All examples that are no furniture."""
    return np.flatnonzero(~examples.noise)


def test_precedents_are_the_sentences_that_it_was_fitted_on(
    trained_tiny_bert: BertClassifier, examples: Examples, rows: np.ndarray, domains: DomainSet
) -> None:
    part = rows[rows % 3 > 0]
    index = choose_precedents(trained_tiny_bert, examples, part, domains)
    assert index is not None
    assert sorted(index.ids) == sorted(str(examples.ids[row]) for row in part)


def test_a_precedent_is_found_by_its_own_text(
    trained_tiny_bert: BertClassifier, examples: Examples, rows: np.ndarray, domains: DomainSet
) -> None:
    index = choose_precedents(trained_tiny_bert, examples, rows, domains)
    assert index is not None
    assert set(index.texts) == {examples.texts[row].text for row in np.flatnonzero(~examples.noise)}
    row = next(i for i, y in enumerate(examples.y_true) if y.tolist() == [1, 0, 0])
    nearest = index.nearest(trained_tiny_bert.embed([examples.texts[row].text])[0], 3)
    assert (nearest[0].text, nearest[0].id, nearest[0].domains) == (
        examples.texts[row].text, examples.ids[row], ("traffic",)
    )  # fmt: skip


def test_precedents_of_a_model_that_tells_domains_apart_share_the_labels(
    trained_tiny_bert: BertClassifier, examples: Examples, rows: np.ndarray, domains: DomainSet
) -> None:
    index = choose_precedents(trained_tiny_bert, examples, rows, domains)
    assert index is not None
    vectors = trained_tiny_bert.embed([examples.texts[i].text for i in rows])
    labels = domains.decode(examples.y_true[rows])
    same = [index.nearest(vector, 2)[1].domains == own for vector, own in zip(vectors, labels, strict=True)]
    assert np.mean(same) > 0.6  # by chance, 0.2


def test_a_classifier_without_embeddings_has_no_precedents(
    examples: Examples, rows: np.ndarray, domains: DomainSet
) -> None:
    assert choose_precedents(object(), examples, rows, domains) is None


def test_a_model_that_nothing_was_fitted_on_has_no_precedents(
    trained_tiny_bert: BertClassifier, examples: Examples, domains: DomainSet
) -> None:
    assert choose_precedents(trained_tiny_bert, examples, np.array([], dtype=int), domains) is None


def test_many_sentences_are_thinned_out_evenly(
    monkeypatch: pytest.MonkeyPatch, trained_tiny_bert: BertClassifier, examples: Examples, rows: np.ndarray,
    domains: DomainSet,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "MAX_TEXTS", 10)
    index = choose_precedents(trained_tiny_bert, examples, rows, domains)
    assert index is not None
    assert len(index) == 10
    assert len({id.split(".")[0] for id in index.ids}) == 8


def test_the_card_gets_an_interval_for_each_domain_and_larger_units() -> None:
    y_true, y_proba, bulletins, paragraphs = _scores()
    y_pred = (y_proba >= 0.5).astype(np.int8)
    interval = bootstrap_interval(y_true, y_pred, bulletins)
    metrics = {**score(y_true, y_pred, _IDS), "interval_95": interval}
    summary = summarize(y_true, y_proba, np.full(2, 0.5), bulletins=bulletins, paragraphs=paragraphs, ids=_IDS)
    found = card_metrics(metrics, summary, y_true=y_true, y_pred=y_pred, bulletins=bulletins, ids=_IDS)
    assert found["f1_micro"] == metrics["f1_micro"]
    assert found["levels"]["paragraph"]["f1_micro"] == summary["levels"]["paragraph"]["f1_micro"]
    for id, (low, high) in found["interval_95"]["domains"].items():
        assert low < metrics["domains"][id]["f1"] < high
    assert found["interval_95"]["f1_micro"] == interval["f1_micro"]
    assert metrics["interval_95"] is interval
    assert "domains" not in interval
