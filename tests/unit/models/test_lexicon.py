"""The lexicon model: which words count, how they are scored, and what a lexicon file must hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tagger.bulletins.context import TextInContext
from tagger.domains import DomainSet
from tagger.errors import CorpusError, ModelError
from tagger.models.lexicon import LexiconClassifier, load_lexicon

_YAML = (
    "traffic:\n  words: [头盔, 酒驾]\n  not: [虚拟头盔]\n"
    "patrol:\n  words: [巡逻]\npropaganda:\n  words: [宣传, 宣传单]\n  not: [宣传部]\n"
)


@pytest.fixture
def classifier(tmp_path: Path, domains: DomainSet) -> LexiconClassifier:
    """The model of `_YAML`."""
    return load_lexicon(_write(tmp_path, _YAML), domains)


def _write(folder: Path, text: str) -> Path:
    path = folder / "lexicon.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _scores(classifier: LexiconClassifier, text: str) -> list[float]:
    return classifier.predict_proba([TextInContext(text)])[0].tolist()


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("局党委召开会议。", [0, 0, 0]),
        ("民警巡逻。", [0, 0.5, 0]),
        ("民警巡逻再巡逻。", [0, 0.5, 0]),
        ("查处酒驾和不戴头盔行为。", [0.75, 0, 0]),
        ("巡逻时宣传佩戴头盔。", [0.5, 0.5, 0.5]),
        ("发放宣传单。", [0, 0, 0.5]),
        ("发放宣传单，入户宣传。", [0, 0, 0.75]),
        ("走访宣传部。", [0, 0, 0]),
        ("走访宣传部，开展宣传。", [0, 0, 0.5]),
        ("虚拟头盔体验。", [0, 0, 0]),
    ],
)
def test_a_text_is_scored_by_how_many_listed_words_are_in_it(
    classifier: LexiconClassifier, text: str, scores: list[float]
) -> None:
    assert _scores(classifier, text) == scores


def test_only_the_sentence_itself_counts(classifier: LexiconClassifier) -> None:
    context = TextInContext("成效明显。", lead_in="强化巡逻。", previous="民警巡逻。", title="宣传活动")
    assert classifier.predict_proba([context]).tolist() == [[0, 0, 0]]


def test_scores_are_single_precision_a_row_a_text(classifier: LexiconClassifier) -> None:
    scores = classifier.predict_proba([TextInContext("民警巡逻。")] * 3)
    assert scores.shape == (3, 3)
    assert scores.dtype == np.float32
    assert classifier.predict_proba([]).shape == (0, 3)


def test_evidence_is_the_words_with_all_their_places(classifier: LexiconClassifier) -> None:
    evidence = classifier.explain(TextInContext("宣传单讲宣传，宣传部宣传。"), column=2)
    assert [(e.ngram, e.weight, e.field, e.spans) for e in evidence] == [
        ("宣传单", 1.0, "text", ((0, 3),)), ("宣传", 1.0, "text", ((4, 6), (10, 12)))
    ]  # fmt: skip
    assert len(classifier.explain(TextInContext("宣传单宣传"), column=2, limit=1)) == 1
    assert classifier.explain(TextInContext("巡逻"), column=2) == []


def test_words_are_matched_as_they_stand_not_as_expressions() -> None:
    classifier = LexiconClassifier([["1.5倍", "(一)"]], [[]])
    assert _scores(classifier, "125倍") == [0]
    assert _scores(classifier, "1.5倍(一)") == [0.75]


def test_words_are_normalised_like_texts() -> None:
    classifier = LexiconClassifier([["巡邏", "ＰＴＵ"]], [[]])
    assert classifier.words == [["巡逻", "PTU"]]


def test_an_empty_word_is_found_nowhere() -> None:
    classifier = LexiconClassifier([["", "\u200b", "巡逻"]], [[""]])
    assert _scores(classifier, "局党委召开会议。") == [0]


def test_a_domain_without_words_is_never_found() -> None:
    assert _scores(LexiconClassifier([[], ["巡逻"]], [[], []]), "巡逻") == [0, 0.5]


def test_words_come_in_column_order_whatever_order_the_file_has(tmp_path: Path, domains: DomainSet) -> None:
    text = "propaganda: {words: [宣传]}\npatrol: {words: [巡逻]}\ntraffic: {words: [头盔], not: [虚拟头盔]}\n"
    classifier = load_lexicon(_write(tmp_path, text), domains)
    assert classifier.words == [["头盔"], ["巡逻"], ["宣传"]]
    assert classifier.excluded == [["虚拟头盔"], [], []]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("traffic: [头盔]\n", "not a lexicon"),
        ("- 头盔\n", "not a lexicon"),
        ("", "not a lexicon"),
        ("a: b: c", "not a lexicon"),
        (_YAML.replace("patrol:", "patrl:"), "unknown domain 'patrl'. Did you mean 'patrol'?"),
        (_YAML.replace("patrol:\n  words: [巡逻]\n", ""), "not a lexicon ('patrol')"),
        (_YAML.replace("words: [巡逻]", "word: [巡逻]"), "not a lexicon ('words')"),
    ],
)
def test_a_file_that_is_no_lexicon_is_told_by_name(tmp_path: Path, domains: DomainSet, text: str, problem: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(CorpusError) as error:
        load_lexicon(path, domains)
    assert str(error.value).startswith(f"{path}: {problem}")


def test_a_missing_file_is_told_by_name(tmp_path: Path, domains: DomainSet) -> None:
    with pytest.raises(CorpusError, match=r"nowhere\.yaml: not a lexicon"):
        load_lexicon(tmp_path / "nowhere.yaml", domains)


def test_what_is_saved_is_read_back(tmp_path: Path, classifier: LexiconClassifier) -> None:
    classifier.save(tmp_path)
    again = LexiconClassifier.load(tmp_path, {})
    assert (again.words, again.excluded) == (classifier.words, classifier.excluded)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"words": 5, "excluded": []}', '{"words": [["a"]], "excluded": []}'])
def test_a_saved_file_that_is_no_lexicon_is_a_model_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "lexicon.json").write_text(text)
    with pytest.raises(ModelError, match=r"lexicon\.json: not a lexicon"):
        LexiconClassifier.load(tmp_path, {})
