"""Choosing paragraphs: doubt, disagreement, diversity, quotas; and the hint to stop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.labelling.next_up import Pool, Strategy, centred, choose_next, rare_domains, uncertainty, vectors_of, weigh
from tagger.labelling.stopping import hint_from_labels, stopping_hint

_MANY = np.full(2, 100)
_ALIKE = Strategy(diversity=0.0)


def _pool(*scores: list[list[float]], unit_of: list[int] | None = None, texts: list[str] | None = None) -> Pool:
    """A model a list, a sentence a row, a domain a number; thresholds of 0.5."""
    y_proba = np.array(scores)
    units = np.arange(y_proba.shape[1]) if unit_of is None else np.array(unit_of)
    texts = texts or [f"第{chr(0x4E00 + 7 * i)}段{chr(0x5E00 + 5 * i)}文" for i in range(units.max() + 1)]
    return Pool(units, y_proba, np.full((len(scores), y_proba.shape[2]), 0.5), vectors_of(texts))


def _units(choices: list) -> list[int]:
    return [choice.unit for choice in choices]


def test_doubt_is_measured_from_the_threshold() -> None:
    y_proba, thresholds = np.array([[0.3, 0.3], [0.0, 1.0], [0.15, 0.65]]), np.array([0.3, 0.6])
    np.testing.assert_allclose(centred(y_proba, thresholds), [[0.5, 0.25], [0, 1], [0.25, 0.5625]])
    np.testing.assert_allclose(uncertainty(y_proba, thresholds), [[1, 0.5], [0, 0], [0.5, 0.875]])


def test_the_most_doubtful_come_first() -> None:
    pool = _pool([[0.01, 0.01], [0.5, 0.01], [0.99, 0.3], [0.01, 0.45]])
    choices = choose_next(pool, 3, positives=_MANY, strategy=_ALIKE)
    assert _units(choices) == [1, 3, 2]
    assert [(c.sentence, c.column) for c in choices] == [(1, 0), (3, 1), (2, 1)]


def test_disagreement_of_models_counts() -> None:
    sure = [[0.02], [0.02], [0.02]]
    pool = _pool(sure, [[0.02], [0.98], [0.02]])
    assert _units(choose_next(pool, 1, positives=np.array([100]), strategy=_ALIKE)) == [1]
    silent = Strategy(disagreement=0.0, diversity=0.0)
    assert len(set(weigh(pool, silent))) == 1


def test_worth_is_doubt_by_cost() -> None:
    """Two open sentences of two are worth more than two open ones of six, and one of one is worth less."""
    scores = [[0.5], [0.5], [0.5], [0.5], [0.0], [0.0], [0.0], [0.0], [0.5]]
    pool = _pool(scores, unit_of=[0, 0, 1, 1, 1, 1, 1, 1, 2])
    worth = weigh(pool, Strategy(overhead=1.0))
    assert worth.tolist() == pytest.approx([2 / 3, 2 / 7, 1 / 2])
    free = weigh(pool, Strategy(overhead=0.0))
    assert free.tolist() == pytest.approx([1, 1 / 3, 1])


def test_near_copies_are_not_chosen_together() -> None:
    texts = ["民警在夜市开展武装巡逻工作", "民警在夜市开展武装巡逻行动", "交警在国道查处酒驾醉驾车辆"]
    pool = _pool([[0.5], [0.49], [0.44]], texts=texts)
    assert _units(choose_next(pool, 2, positives=np.array([100]), strategy=_ALIKE)) == [0, 1]
    assert _units(choose_next(pool, 2, positives=np.array([100]), strategy=Strategy(diversity=0.6))) == [0, 2]


def test_a_rare_domain_gets_its_share() -> None:
    rng = np.random.default_rng(0)
    scores = np.column_stack([rng.uniform(0.4, 0.6, 200), rng.uniform(0.0, 0.05, 200)])
    scores[:10, 0], scores[:10, 1] = 0.0, 0.9  # surely of the rare domain
    pool = _pool(scores.tolist())
    choices = choose_next(pool, 20, positives=np.array([300.0, 4.0]))
    quota = [c for c in choices if c.quota]
    assert len(choices) == 20
    assert len(quota) == 10
    assert set(_units(quota)) == set(range(10))
    assert {c.column for c in quota} == {1}
    assert not any(c.quota for c in choose_next(pool, 20, positives=np.array([300.0, 200.0])))


def test_without_any_label_every_domain_is_rare() -> None:
    assert rare_domains(np.zeros(3), Strategy()).tolist() == [0, 1, 2]
    assert rare_domains(np.array([500, 90, 400]), Strategy()).tolist() == [1]
    assert rare_domains(np.array([30, 25, 28]), Strategy()).tolist() == []


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_choices_are_new_allowed_and_as_many_as_there_are(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = _pool(
        rng.random((24, 3)).tolist(), rng.random((24, 3)).tolist(), unit_of=np.repeat(np.arange(12), 2).tolist()
    )
    allowed = rng.random(12) < 0.7
    positives = rng.integers(0, 60, 3).astype(float)
    choices = choose_next(pool, n, positives=positives, allowed=allowed)
    units = _units(choices)
    assert len(units) == len(set(units)) == min(n, allowed.sum())
    assert allowed[units].all()
    assert units == _units(choose_next(pool, n, positives=positives, allowed=allowed)), "the same choice twice"


def test_the_hint_waits_for_three_flat_steps() -> None:
    rng = np.random.default_rng(0)
    tags = (rng.random((500, 2)) < 0.3).astype(np.int8)
    moved = tags.copy()
    moved[:100] = 1 - moved[:100]
    moving = stopping_hint([moved, tags, tags], [100, 200, 300])
    assert not moving.is_flat
    assert "too few labels" in str(moving)
    hint = stopping_hint([moved, tags, tags, tags], [100, 200, 300, 400])
    assert not hint.is_flat
    assert "still help" in str(hint)
    hint = stopping_hint([moved, tags, tags, tags, tags], [100, 200, 300, 400, 500])
    assert hint.is_flat
    assert "from 200 to 500 labels" in str(hint)


def test_models_that_tag_nothing_agree() -> None:
    nothing = np.zeros((10, 2), dtype=np.int8)
    assert stopping_hint([nothing] * 4, [1, 2, 3, 4]).is_flat


def test_the_oldest_labels_are_learned_first() -> None:
    asked: list[list[int]] = []

    def tags_after(rows: np.ndarray) -> np.ndarray:
        asked.append(rows.tolist())
        return np.ones((5, 1), dtype=np.int8)

    hint = hint_from_labels(tags_after, np.array([4, 2, 0, 1, 3]), step=1)
    assert asked == [[4, 2], [4, 2, 0], [4, 2, 0, 1], [4, 2, 0, 1, 3]]
    assert hint.n_labels == (2, 3, 4, 5)
