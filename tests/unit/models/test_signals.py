"""Putting a probability together from a sentence's own score and those of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tagger.bulletins.context import TextInContext
from tagger.corpus.examples import Examples
from tagger.models.bert import BertClassifier
from tagger.models.combiner import Combiner, sigmoid
from tagger.models.lexicon import LexiconClassifier
from tagger.models.signals import CONTEXT, SignalClassifier, load_signals

_TEXTS = [
    TextInContext("夜间巡逻。", lead_in="强化巡控。", following="发放传单。", title="工作总结"),
    TextInContext("发放传单。", lead_in="强化巡控。", previous="夜间巡逻。", title="工作总结"),
    TextInContext("工作总结"),
]


class LengthClassifier(SignalClassifier):
    """Scores a text by its length and by its first character, and keeps what it was asked."""

    absent = -7.0

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.asked: list[str] = []

    @property
    def n_domains(self) -> int:
        return 2

    def decide(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([_scores(text) for text in texts], dtype=float).reshape(-1, 2)


def _scores(text: str) -> list[float]:
    return [len(text) / 10, ord(text[0]) / 10000 if text else 0.0]


@pytest.fixture
def lexicon() -> LexiconClassifier:
    return LexiconClassifier([["巡逻"], ["传单", "发放"]], [[], []])


def test_every_signal_is_the_score_of_its_text(lexicon: LexiconClassifier) -> None:
    names = ("text", "lexicon", *CONTEXT)
    signals = LengthClassifier(signals=names, lexicon=lexicon).compute_signals(_TEXTS)
    assert signals.shape == (3, 2, 6)
    for column, name in enumerate(names):
        if name != "lexicon":
            values = [getattr(text, name) for text in _TEXTS]
            assert signals[:, :, column].tolist() == [_scores(v) if v else [-7.0, -7.0] for v in values]
    assert signals[:, :, 1].tolist() == [[0.5, 0.0], [0.0, 0.75], [0.0, 0.0]]


def test_a_context_that_is_not_there_scores_like_one_that_says_nothing() -> None:
    signals = LengthClassifier(signals=("text", "previous")).compute_signals([_TEXTS[0]])
    assert signals[0, :, 1].tolist() == [-7.0, -7.0]


def test_a_sentence_without_characters_is_scored_and_not_taken_for_absent() -> None:
    signals = LengthClassifier().compute_signals([TextInContext("")])
    assert signals[0, :, 0].tolist() == [0.0, 0.0]


def test_each_different_text_is_scored_once() -> None:
    classifier = LengthClassifier(signals=("text", *CONTEXT))
    classifier.compute_signals(_TEXTS * 5)
    assert sorted(classifier.asked) == sorted({"夜间巡逻。", "发放传单。", "强化巡控。", "工作总结"})


def test_context_that_no_signal_asks_for_is_not_scored() -> None:
    classifier = LengthClassifier(signals=("text", "lead_in"))
    classifier.compute_signals([_TEXTS[0]])
    assert sorted(classifier.asked) == ["夜间巡逻。", "强化巡控。"]


def test_the_combiner_weighs_the_signals() -> None:
    combiner = Combiner(np.array([[2.0, -1.0], [0.0, 3.0]]), np.array([0.5, -0.5]))
    classifier = LengthClassifier(signals=("text", "lead_in"), combiner=combiner)
    own, around = _scores("夜间巡逻。"), _scores("强化巡控。")
    expected = sigmoid(np.array([2 * own[0] - around[0] + 0.5, 3 * around[1] - 0.5]))
    y_proba = classifier.predict_proba(_TEXTS[:1])
    assert y_proba.dtype == np.float32
    np.testing.assert_allclose(y_proba[0], expected, rtol=1e-6)


def test_without_a_combiner_the_sentence_alone_counts() -> None:
    classifier = LengthClassifier(signals=("text", *CONTEXT))
    own = np.array([_scores(text.text) for text in _TEXTS])
    np.testing.assert_allclose(classifier.predict_proba(_TEXTS), sigmoid(own), rtol=1e-6)


def test_no_texts_have_no_scores() -> None:
    classifier = LengthClassifier(signals=("text", "title"))
    assert classifier.compute_signals([]).shape == (0, 2, 2)
    assert classifier.predict_proba([]).shape == (0, 2)
    assert classifier.asked == []


@pytest.mark.parametrize("signals", [(), ("lead_in",), ("lead_in", "text"), ("text", "clauses"), ("text", "heading")])
def test_signals_that_are_none_are_refused(signals: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected text, then some of"):
        LengthClassifier(signals=signals)


def test_the_lexicon_signal_needs_a_lexicon() -> None:
    with pytest.raises(ValueError, match="needs a lexicon"):
        LengthClassifier(signals=("text", "lexicon"))


def test_words_of_the_lexicon_share_its_weight(lexicon: LexiconClassifier) -> None:
    classifier = LengthClassifier(signals=("text", "lexicon"), lexicon=lexicon)
    evidence = classifier.lexicon_evidence(_TEXTS[1], 1, 2.0)
    assert {e.ngram: (e.weight, e.spans) for e in evidence} == {
        "发放": (0.75, ((0, 2),)), "传单": (0.75, ((2, 4),)),
    }  # fmt: skip


def test_what_is_saved_weighs_alike(tmp_path: Path, lexicon: LexiconClassifier) -> None:
    combiner = Combiner(np.array([[2.0, -1.0], [0.1, 3.0]]), np.array([0.5, -0.5]))
    classifier = LengthClassifier(signals=("text", "lexicon"), lexicon=lexicon, combiner=combiner)
    classifier.save_signals(tmp_path)
    again = LengthClassifier(**load_signals(tmp_path, {}))
    assert again.signals == ("text", "lexicon")
    np.testing.assert_array_equal(again.predict_proba(_TEXTS), classifier.predict_proba(_TEXTS))


def test_a_text_alone_scores_like_one_among_others(
    make_tiny_bert: Callable[[], BertClassifier], examples: Examples
) -> None:
    bert = make_tiny_bert()
    classifier = BertClassifier(bert.tokenizer, bert.network, signals=("text", *CONTEXT))
    together = classifier.compute_signals(examples.texts)
    alone = np.concatenate([classifier.compute_signals([text]) for text in examples.texts])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert np.ptp(together[:, :, 0], axis=0).min() > 1e-3, "all texts score alike: nothing is compared"
