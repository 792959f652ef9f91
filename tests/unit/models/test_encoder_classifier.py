"""What an encoder names as its reasons: words by leaving them out, surroundings by their own score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tagger.bulletins.context import TextInContext
from tagger.errors import ModelError
from tagger.models.combiner import Combiner
from tagger.models.encoder_classifier import EncoderClassifier, load_settings
from tagger.models.lexicon import LexiconClassifier
from tagger.models.ngrams import NgramScorer
from tagger.models.signals import CONTEXT
from tagger.models.tokenization import PieceTokenizer

_TEXT = "民警查处酒驾，夜间巡逻。"


class KeywordEncoder(EncoderClassifier):
    """Logits by keywords: 酒驾 gives the first domain 4, 查处 1, 巡逻 takes 2; the second one wants 巡逻."""

    kind = "keywords"
    _worth = (("酒驾", (4.0, 0.0)), ("查处", (1.0, 0.0)), ("巡逻", (-2.0, 3.0)))

    def __init__(self, tokenizer: PieceTokenizer, **arguments: object) -> None:
        super().__init__(tokenizer, **arguments)  # type: ignore[arg-type]
        self.n_inputs = 0

    @property
    def n_domains(self) -> int:
        return 2

    def run_embedding(self, inputs: Sequence[list[int]]) -> np.ndarray:
        raise AssertionError("an explanation needs no embedding, and would pay for it")

    def run(self, inputs: Sequence[list[int]]) -> np.ndarray:
        self.n_inputs += len(inputs)
        return np.array([self._logits(self.tokenizer._tokenizer.decode(ids)) for ids in inputs], dtype=np.float32)

    def _logits(self, text: str) -> np.ndarray:
        return sum((np.array(worth) for word, worth in self._worth if word in text), np.full(2, -3.0))


@pytest.fixture
def tokenizer(tiny_encoder_folder: Path) -> PieceTokenizer:
    return PieceTokenizer.load(tiny_encoder_folder, 128)


def test_words_come_by_what_the_score_loses_without_them(tokenizer: PieceTokenizer) -> None:
    evidence = KeywordEncoder(tokenizer).explain(TextInContext(_TEXT), 0)
    assert [(e.ngram, round(e.weight, 4), e.field, e.spans) for e in evidence] == [
        ("酒驾", 4.0, "text", ((4, 6),)),
        ("查处", 1.0, "text", ((2, 4),)),
    ]


def test_each_domain_has_its_own_words(tokenizer: PieceTokenizer) -> None:
    assert [e.ngram for e in KeywordEncoder(tokenizer).explain(TextInContext(_TEXT), 1)] == ["巡逻"]


def test_weights_are_those_of_the_combiner(tokenizer: PieceTokenizer) -> None:
    combiner = Combiner(np.array([[0.5], [2.0]]), np.zeros(2))
    classifier = KeywordEncoder(tokenizer, combiner=combiner)
    assert [e.weight for e in classifier.explain(TextInContext(_TEXT), 0)] == pytest.approx([2.0, 0.5])
    assert [e.weight for e in classifier.explain(TextInContext(_TEXT), 1)] == pytest.approx([6.0])


def test_surroundings_are_named_whole_with_their_field(tokenizer: PieceTokenizer) -> None:
    weights = np.array([[1.0, 0.5, 0.25, 0.0, 1.0]] * 2)
    classifier = KeywordEncoder(tokenizer, signals=("text", *CONTEXT), combiner=Combiner(weights, np.zeros(2)))
    text = TextInContext("民警上街。", lead_in="查处酒驾。", previous="巡逻。", following="酒驾。")
    evidence = classifier.explain(text, 0)
    # A text adds its logit less that of one that says nothing, -5; 巡逻 takes all of it, the title is not there.
    assert [(e.ngram, e.field, e.spans, round(e.weight, 4)) for e in evidence] == [
        ("查处酒驾。", "lead_in", ((0, 5),), 3.5)
    ]
    assert [(e.ngram, e.field, e.weight) for e in classifier.explain(text, 1)] == [
        ("巡逻。", "previous", 1.25), ("查处酒驾。", "lead_in", 1.0),
    ]  # fmt: skip


def test_words_of_the_lexicon_are_named_with_the_rest(tokenizer: PieceTokenizer) -> None:
    lexicon = LexiconClassifier([["酒驾"], []], [[], []])
    combiner = Combiner(np.array([[1.0, 6.0]] * 2), np.zeros(2))
    classifier = KeywordEncoder(tokenizer, lexicon=lexicon, signals=("text", "lexicon"), combiner=combiner)
    evidence = classifier.explain(TextInContext(_TEXT), 0)
    assert [(e.ngram, e.spans, round(e.weight, 4)) for e in evidence] == [
        ("酒驾", ((4, 6),), 4.0), ("酒驾", ((4, 6),), 3.0), ("查处", ((2, 4),), 1.0),
    ]  # fmt: skip


@pytest.fixture
def ngrams() -> NgramScorer:
    """One n-gram speaks for the first domain."""
    coef = np.array([[2.0, 0.0]], dtype=np.float16)
    return NgramScorer(np.array(["查处"]), np.ones(1, np.float32), coef, np.zeros(2, np.float32))


def test_a_words_n_grams_count_with_what_the_encoder_makes_of_it(
    tokenizer: PieceTokenizer, ngrams: NgramScorer
) -> None:
    combiner = Combiner(np.array([[1.0, 3.0, 0.5]] * 2), np.zeros(2))
    signals = ("text", "ngrams", "ngram_clauses")
    classifier = KeywordEncoder(tokenizer, ngrams=ngrams, signals=signals, combiner=combiner)
    evidence = classifier.explain(TextInContext(_TEXT), 0)
    assert [(e.ngram, round(e.weight, 4)) for e in evidence] == [("查处", 1 + 3 * 2 + 0.5 * 2), ("酒驾", 4.0)]
    found = classifier.compute_signals([TextInContext(_TEXT), TextInContext("巡逻。")])
    np.testing.assert_allclose(found[:, 0], [[0, 2, 2], [-5, 0, 0]])


def test_signals_of_n_grams_need_them(tokenizer: PieceTokenizer) -> None:
    with pytest.raises(ValueError, match="need n-grams"):
        KeywordEncoder(tokenizer, signals=("text", "ngram_clauses"))


def test_n_grams_are_saved_with_the_settings(tmp_path: Path, tokenizer: PieceTokenizer, ngrams: NgramScorer) -> None:
    KeywordEncoder(tokenizer, ngrams=ngrams, signals=("text", "ngrams")).save_settings(tmp_path)
    arguments, _ = load_settings(tmp_path, {})
    np.testing.assert_array_equal(arguments["ngrams"].decide([_TEXT]), ngrams.decide([_TEXT]))
    (tmp_path / "ngrams.npz").unlink()
    with pytest.raises(ModelError, match="not the n-grams"):
        load_settings(tmp_path, {})


def test_no_more_than_the_limit_are_named(tokenizer: PieceTokenizer) -> None:
    assert [e.ngram for e in KeywordEncoder(tokenizer).explain(TextInContext(_TEXT), 0, limit=1)] == ["酒驾"]


def test_a_sentence_that_says_nothing_has_no_reasons(tokenizer: PieceTokenizer) -> None:
    for text in ("民警上街。", "，。！", ""):
        assert KeywordEncoder(tokenizer).explain(TextInContext(text), 0) == []


@pytest.mark.parametrize("n_times", [1, 6, 7, 20, 100])
def test_a_long_sentence_is_left_out_by_runs_of_words(tokenizer: PieceTokenizer, n_times: int) -> None:
    """Whatever its length, at most 48 texts beside the whole one are read."""
    text = "民警上街宣传，" * n_times + "查处酒驾。"
    classifier = KeywordEncoder(tokenizer)
    n_windows = max(map(len, tokenizer.windows([text])))
    evidence = classifier.explain(TextInContext(text), 0)
    assert classifier.n_inputs <= 49 * n_windows
    [first, *_] = evidence
    assert "酒驾" in first.ngram
    assert text[slice(*first.spans[0])] == first.ngram


def test_settings_are_read_back(tmp_path: Path, tokenizer: PieceTokenizer) -> None:
    KeywordEncoder(tokenizer, signals=("text", "title")).save_settings(tmp_path, more={"a": 1})
    arguments, settings = load_settings(tmp_path, {})
    assert settings == {"max_length": 128, "more": {"a": 1}}
    assert (arguments["tokenizer"].max_length, arguments["signals"]) == (128, ["text", "title"])
