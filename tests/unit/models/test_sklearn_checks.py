"""scikit-learn's own checks of an estimator, and their like for what eats text.

scikit-learn checks estimators on rows of numbers and passes over one that takes text. `OnRows`
writes each row out as a text, so that all of its checks run through `TextFeatures` as well.
"""

from __future__ import annotations

import copy
import dataclasses
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from tagger.bulletins.context import TextInContext
from tagger.errors import ModelError
from tagger.models import skops_file
from tagger.models.combiner import Combiner
from tagger.models.features import TextFeatures
from tagger.models.lexicon import LexiconClassifier
from tagger.models.linear_head import LinearHead
from tagger.models.tfidf import TfidfClassifier

_SIGNS = "零一二三四五六七八九十百千万警民巡逻宣传路口灯"
_FIGURES = str.maketrans("0123456789-", "甲乙丙丁戊己庚辛壬癸负")


class OnRows(TextFeatures):
    """`TextFeatures` over rows of numbers: a sign a column, with its value in quarters."""

    def fit(self, X, y=None):  # type: ignore[no-untyped-def,override]
        return super().fit(self._written_out(X, reset=True), y)

    def transform(self, X):  # type: ignore[no-untyped-def,override]
        check_is_fitted(self, "blocks_")
        return super().transform(self._written_out(X, reset=False))

    def _written_out(self, X, reset: bool) -> list[str]:  # type: ignore[no-untyped-def]
        X = validate_data(self, X, reset=reset)
        return [" ".join(map(_word, range(len(row)), row)) for row in X]

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = False, True
        return tags


def _word(column: int, value: float) -> str:
    return _SIGNS[column % len(_SIGNS)] + str(round(value * 4)).translate(_FIGURES)


@parametrize_with_checks([LinearHead(), LinearHead(loss="log_loss"), OnRows(min_df=1)])
def test_scikit_learn_takes_it_for_one_of_its_own(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


# From here on: the like for text.

_IN_CONTEXT = [
    TextInContext("民警在夜市巡逻。", lead_in="强化巡控。", title="某县公安局工作"),
    TextInContext("向群众发放宣传单200份。", lead_in="加强宣传。", previous="民警在夜市巡逻。"),
    TextInContext("民警查处酒驾12起。", following="向学生宣传佩戴头盔。"),
    TextInContext("向学生宣传佩戴头盔。", lead_in="加强宣传。"),
    TextInContext("局党委召开会议。"),
    TextInContext("APP推送防骗提示，民警Ａ讲座。"),
]
_TEXTS = [context.text for context in _IN_CONTEXT]
_OTHERS = ["消防队员检查商场。", "看守所清查监室。", "消防检查学校。"]
_Y = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 1]], dtype=np.int8)
_SETTINGS = {
    "default": {},
    "characters": {"word_ngrams": None},
    "words": {"char_ngrams": None},
    "counts": {"binary": False},
}


@pytest.fixture(params=_SETTINGS.values(), ids=_SETTINGS.keys())
def features(request: pytest.FixtureRequest) -> TextFeatures:
    """Unfitted features in several settings."""
    return TextFeatures(min_df=1, **request.param)


@pytest.fixture
def fitted(features: TextFeatures) -> TextFeatures:
    """The same, fitted on `_TEXTS`."""
    return features.fit(_TEXTS)


def _same(one: sp.csr_matrix, other: sp.csr_matrix) -> bool:
    return one.shape == other.shape and (one != other).nnz == 0


def test_a_clone_has_the_settings_and_nothing_learnt(fitted: TextFeatures) -> None:
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not hasattr(twin, "blocks_")


def test_settings_can_be_read_and_set_back(features: TextFeatures) -> None:
    other = TextFeatures().set_params(**features.get_params())
    assert other.get_params() == features.get_params()


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid parameter 'max_df'"):
        TextFeatures().set_params(max_df=0.5)


def test_making_one_sets_nothing_but_its_settings(features: TextFeatures) -> None:
    assert vars(features) == features.get_params()


def test_fitting_returns_the_features_themselves(features: TextFeatures) -> None:
    assert features.fit(_TEXTS) is features


def test_fitting_leaves_settings_and_texts_alone(features: TextFeatures) -> None:
    settings, texts = features.get_params(), list(_TEXTS)
    features.fit(texts)
    assert features.get_params() == settings
    assert texts == _TEXTS


def test_labels_do_not_matter_to_features(features: TextFeatures) -> None:
    without = features.fit(_TEXTS).transform(_TEXTS)
    assert _same(clone(features).fit(_TEXTS, _Y).transform(_TEXTS), without)


def test_fitting_again_forgets_what_was_learnt(features: TextFeatures) -> None:
    again = clone(features).fit(_TEXTS).fit(_OTHERS)
    fresh = features.fit(_OTHERS)
    assert again.get_feature_names_out().tolist() == fresh.get_feature_names_out().tolist()
    assert _same(again.transform(_TEXTS), fresh.transform(_TEXTS))


def test_fitting_twice_gives_the_same(fitted: TextFeatures) -> None:
    before = fitted.transform(_TEXTS)
    assert _same(fitted.fit(_TEXTS).transform(_TEXTS), before)


def test_fit_transform_is_fit_then_transform(features: TextFeatures) -> None:
    at_once = clone(features).fit_transform(_TEXTS)
    assert _same(features.fit(_TEXTS).transform(_TEXTS), at_once)


def test_rows_follow_the_order_of_texts(fitted: TextFeatures) -> None:
    order = [3, 0, 5, 1, 4, 2]
    assert _same(fitted.transform([_TEXTS[i] for i in order]), fitted.transform(_TEXTS)[order])


def test_the_order_of_texts_does_not_matter_to_fitting(fitted: TextFeatures) -> None:
    backwards = clone(fitted).fit(_TEXTS[::-1])
    assert _same(backwards.transform(_TEXTS), fitted.transform(_TEXTS))


def test_a_text_alone_has_the_row_it_has_among_others(fitted: TextFeatures) -> None:
    rows = sp.vstack([fitted.transform([text]) for text in _TEXTS]).tocsr()
    assert _same(rows, fitted.transform(_TEXTS))


def test_a_text_given_twice_has_the_same_row_twice(fitted: TextFeatures) -> None:
    rows = fitted.transform([_TEXTS[0], _TEXTS[0]])
    assert _same(rows[0], rows[1])


def test_rows_are_double_precision_and_sparse(fitted: TextFeatures) -> None:
    rows = fitted.transform(_TEXTS)
    assert isinstance(rows, sp.csr_matrix)
    assert rows.dtype == np.float64
    assert rows.shape == (6, len(fitted.get_feature_names_out()))
    assert rows.nnz > 0


def test_weights_are_finite_and_positive(fitted: TextFeatures) -> None:
    data = fitted.transform(_TEXTS).data
    assert np.isfinite(data).all()
    assert (data > 0).all()


def test_every_column_has_a_name_of_its_own(fitted: TextFeatures) -> None:
    names = fitted.get_feature_names_out()
    assert names.dtype == object
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"(char|word):.+", name, re.S) for name in names)


def test_transforming_changes_no_state(fitted: TextFeatures, tmp_path: Path) -> None:
    skops_file.dump(fitted, tmp_path / "before")
    fitted.transform(_OTHERS)
    skops_file.dump(fitted, tmp_path / "after")
    assert (tmp_path / "after").read_bytes() == (tmp_path / "before").read_bytes()


@pytest.mark.parametrize("text", ["", " ", "\u3000", "\n"], ids=repr)
def test_a_text_of_nothing_has_an_empty_row(fitted: TextFeatures, text: str) -> None:
    assert fitted.transform([text.strip()]).nnz == 0
    assert fitted.transform([text]).shape == (1, fitted.transform(_TEXTS).shape[1])


def test_a_text_of_unknown_signs_has_an_empty_row(fitted: TextFeatures) -> None:
    assert fitted.transform(["ζξψ"]).nnz == 0


@pytest.mark.parametrize("text", ["👮🏽‍♀️巡逻", "𠀋𠮷", "e\u0301", "\u202e", "巡\u200b逻", "ﷺ"], ids=ascii)
def test_any_text_can_be_transformed_and_learnt(features: TextFeatures, text: str) -> None:
    texts = [*_TEXTS, text]
    assert features.fit(texts).transform(texts).shape[0] == 7


def test_a_very_long_text_can_be_transformed(fitted: TextFeatures) -> None:
    row = fitted.transform(["民警在夜市巡逻。" * 2_000])
    assert row.nnz > 0


@pytest.mark.parametrize(
    "texts",
    ["民警巡逻。", b"abc", [None], [5], [["a"]], ["a", None], [b"a"], [("a", "b")], iter(["a"]), None, 5],
    ids=str,
)  # fmt: skip
def test_what_is_no_sequence_of_texts_is_refused(texts: Any) -> None:
    features = TextFeatures(min_df=1).fit(_TEXTS)
    with pytest.raises(ValueError, match="expected"):
        features.transform(texts)
    with pytest.raises(ValueError, match="expected"):
        TextFeatures(min_df=1).fit(texts)


def test_no_texts_are_refused(fitted: TextFeatures) -> None:
    with pytest.raises(ValueError, match=r"no texts: 0 sample\(s\)"):
        fitted.transform([])
    with pytest.raises(ValueError, match=r"no texts: 0 sample\(s\)"):
        clone(fitted).fit([])


def test_before_fitting_nothing_is_answered(features: TextFeatures) -> None:
    with pytest.raises(NotFittedError, match="This TextFeatures instance is not fitted yet"):
        features.transform(_TEXTS)
    with pytest.raises(NotFittedError):
        features.get_feature_names_out()


def test_a_copy_is_independent(fitted: TextFeatures) -> None:
    twin = copy.deepcopy(fitted)
    expected = fitted.transform(_TEXTS)
    fitted.fit(_OTHERS)
    assert _same(twin.transform(_TEXTS), expected)


def test_features_are_saved_and_read_back(fitted: TextFeatures, tmp_path: Path) -> None:
    skops_file.dump(fitted, tmp_path / "features.skops")
    again = skops_file.load(tmp_path / "features.skops", ["tagger.models.features.TextFeatures"])
    assert again.get_params() == fitted.get_params()
    assert _same(again.transform(_TEXTS), fitted.transform(_TEXTS))
    assert again.get_feature_names_out().tolist() == fitted.get_feature_names_out().tolist()


def test_a_text_in_context_is_no_text_by_itself(fitted: TextFeatures) -> None:
    with pytest.raises(ValueError, match="expected str, got TextInContext"):
        fitted.transform(_IN_CONTEXT)


def test_figures_count_alike_and_latin_in_either_case() -> None:
    features = TextFeatures(min_df=1).fit(_TEXTS)
    rows = features.transform(["查处酒驾12起，APP。", "查处酒驾98起，app。", "查处酒驾1起，APP。"])
    assert _same(rows[0], rows[1])
    assert not _same(rows[0], rows[2])


def _norms(features: TextFeatures, analyzer: str) -> np.ndarray:
    is_block = [name.startswith(f"{analyzer}:") for name in features.get_feature_names_out()]
    return sp.linalg.norm(features.transform(_TEXTS)[:, np.flatnonzero(is_block)], axis=1)


def test_characters_and_words_weigh_the_same() -> None:
    features = TextFeatures(min_df=1).fit(_TEXTS)
    assert _norms(features, "char") == pytest.approx(np.ones(6))
    assert _norms(features, "word") == pytest.approx(np.ones(6))


def test_a_repeated_n_gram_counts_once_unless_counts_are_asked_for() -> None:
    for binary in (True, False):
        features = TextFeatures(min_df=1, char_ngrams=(1, 1), word_ngrams=None, binary=binary).fit(_TEXTS)
        assert _same(features.transform(["巡巡逻"]), features.transform(["巡逻"])) is binary


def test_rare_n_grams_are_left_out() -> None:
    names = TextFeatures(min_df=2, word_ngrams=None).fit(_TEXTS).get_feature_names_out()
    assert "char:民警" in names
    assert "char:酒驾" not in names


def test_words_are_those_of_the_segmenter() -> None:
    names = TextFeatures(min_df=1, char_ngrams=None, word_ngrams=(1, 1)).fit(_TEXTS).get_feature_names_out()
    assert {"word:民警", "word:巡逻", "word:宣传单"} <= set(names)


def test_a_column_is_written_as_it_stands_in_a_text() -> None:
    features = TextFeatures(min_df=1).fit(_TEXTS)
    names = features.get_feature_names_out().tolist()
    assert features.written_form(names.index("word:民警 在")) == "民警在"
    assert features.written_form(names.index("char:夜市")) == "夜市"
    with pytest.raises(IndexError):
        features.written_form(len(names))


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"char_ngrams": None, "word_ngrams": None}, "no n-grams of any kind are asked for"),
        ({"char_ngrams": (3, 1)}, "Invalid value for ngram_range"),
        ({"char_ngrams": (1, 1), "min_df": 7}, "min_df"),
        ({"min_df": 0}, "min_df"),
    ],
)
def test_settings_that_cannot_work_are_refused_when_fitting(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        TextFeatures(**{"min_df": 1, **settings}).fit(_TEXTS)


_LEXICON = LexiconClassifier([["酒驾"], ["巡逻"], ["宣传"]], [[], [], []])
_OTHERS_IN_CONTEXT = [TextInContext(text) for text in _OTHERS]


def _classifier(signals: tuple[str, ...] = ("text",), **settings: Any) -> TfidfClassifier:
    return TfidfClassifier(TextFeatures(min_df=1, **settings), LinearHead(C=10.0), lexicon=_LEXICON, signals=signals)


def _combined() -> TfidfClassifier:
    """A fitted classifier whose every signal counts."""
    classifier = _classifier(signals=TfidfClassifier.known_signals).fit(_IN_CONTEXT, _Y)
    weights = np.tile(np.arange(len(TfidfClassifier.known_signals), 0, -1) / len(TfidfClassifier.known_signals), (3, 1))
    classifier.combiner = Combiner(weights, np.array([0.0, 0.1, -0.2]))
    return classifier


@pytest.fixture
def classifier() -> TfidfClassifier:
    """A classifier fitted on the texts, by the text alone."""
    return _classifier().fit(_IN_CONTEXT, _Y)


@pytest.fixture
def combined() -> TfidfClassifier:
    """The same with every signal."""
    return _combined()


def _scores(classifier: TfidfClassifier, texts: list[TextInContext]) -> np.ndarray:
    """The head's own scores: the first signal."""
    return classifier.compute_signals(texts)[:, :, 0]


def test_fitting_returns_the_classifier_itself() -> None:
    classifier = _classifier()
    assert classifier.fit(_IN_CONTEXT, _Y) is classifier


def test_scores_are_single_precision_probabilities(classifier: TfidfClassifier) -> None:
    y_proba = classifier.predict_proba(_IN_CONTEXT)
    assert y_proba.dtype == np.float32
    assert y_proba.shape == (6, 3)
    assert ((y_proba > 0) & (y_proba < 1)).all()


def test_what_was_learnt_is_known(classifier: TfidfClassifier) -> None:
    assert np.array_equal(_scores(classifier, _IN_CONTEXT) > 0, _Y == 1)


def test_a_text_alone_has_the_scores_it_has_among_others(classifier: TfidfClassifier) -> None:
    alone = np.vstack([classifier.predict_proba([text]) for text in _IN_CONTEXT])
    assert np.array_equal(alone, classifier.predict_proba(_IN_CONTEXT))


def test_scores_follow_the_order_of_texts(classifier: TfidfClassifier) -> None:
    assert np.array_equal(classifier.predict_proba(_IN_CONTEXT[::-1]), classifier.predict_proba(_IN_CONTEXT)[::-1])


def test_training_twice_gives_the_same_scores(classifier: TfidfClassifier) -> None:
    again = _classifier().fit(_IN_CONTEXT, _Y)
    assert np.array_equal(_scores(again, _IN_CONTEXT), _scores(classifier, _IN_CONTEXT))


def test_training_again_forgets(classifier: TfidfClassifier) -> None:
    y = np.array([[1, 0], [0, 1], [1, 0]])
    again = classifier.fit(_OTHERS_IN_CONTEXT, y)
    assert np.array_equal(
        again.predict_proba(_IN_CONTEXT), _classifier().fit(_OTHERS_IN_CONTEXT, y).predict_proba(_IN_CONTEXT)
    )


def test_no_texts_have_no_scores(classifier: TfidfClassifier) -> None:
    assert classifier.predict_proba([]).shape == (0, 3)


def test_a_text_of_nothing_has_the_scores_of_the_intercepts(classifier: TfidfClassifier) -> None:
    assert _scores(classifier, [TextInContext("")])[0] == pytest.approx(classifier.head.intercept_)


def test_before_training_nothing_is_answered() -> None:
    with pytest.raises(NotFittedError):
        _classifier().predict_proba(_IN_CONTEXT)


@pytest.mark.parametrize("texts", [[None], "民警巡逻。", [5]], ids=str)
def test_what_is_no_text_in_context_gets_no_scores(classifier: TfidfClassifier, texts: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'text'"):
        classifier.predict_proba(texts)


@pytest.mark.parametrize("field", ["lead_in", "previous", "following", "title"])
def test_the_context_counts(combined: TfidfClassifier, field: str) -> None:
    alone = combined.predict_proba([TextInContext("成效明显。")])
    told = combined.predict_proba([TextInContext("成效明显。", **{field: "向学生宣传佩戴头盔。"})])
    assert told[0, 2] > alone[0, 2]


def test_a_clause_among_many_is_heard(combined: TfidfClassifier) -> None:
    long = TextInContext("局党委召开会议,消防检查学校,民警在夜市巡逻,消防队员检查商场,看守所清查监室。")
    text, clauses = combined.compute_signals([long])[0, 1, :2]
    assert clauses > text


def test_every_signal_has_its_place(combined: TfidfClassifier) -> None:
    signals = combined.compute_signals(_IN_CONTEXT)
    assert signals.shape == (6, 3, len(TfidfClassifier.known_signals))
    lexicon, lead_in = TfidfClassifier.known_signals.index("lexicon"), TfidfClassifier.known_signals.index("lead_in")
    assert signals[:, :, lexicon].tolist() == _LEXICON.predict_proba(_IN_CONTEXT).tolist()
    assert signals[4, :, lead_in].tolist() == [-1, -1, -1]
    led = combined.compute_signals([TextInContext("加强宣传。")])[0, :, 0]
    assert signals[1, :, lead_in] == pytest.approx(led)


@pytest.mark.parametrize("signals", [(), ("clauses",), ("text", "leadin"), ("text", "domains")])
def test_unknown_signals_are_refused(signals: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected text, then some of"):
        _classifier(signals=signals)


def test_the_lexicon_signal_needs_a_lexicon() -> None:
    with pytest.raises(ValueError, match="needs a lexicon"):
        TfidfClassifier(TextFeatures(), LinearHead(), signals=("text", "lexicon"))


def test_a_domain_that_never_occurs_is_never_found() -> None:
    y_proba = _classifier().fit(_IN_CONTEXT, _Y * [1, 0, 1]).predict_proba(_IN_CONTEXT)
    assert y_proba[:, 1].max() < 1e-6


def test_a_domain_that_always_occurs_is_always_found() -> None:
    y_proba = _classifier().fit(_IN_CONTEXT, np.maximum(_Y, [0, 1, 0])).predict_proba(_OTHERS_IN_CONTEXT)
    assert y_proba[:, 1].min() > 1 - 1e-6


def test_a_single_domain_is_enough() -> None:
    classifier = _classifier().fit(_IN_CONTEXT, _Y[:, :1])
    assert classifier.predict_proba(_IN_CONTEXT).shape == (6, 1)
    assert np.array_equal(_scores(classifier, _IN_CONTEXT) > 0, _Y[:, :1] == 1)


def test_the_combiner_weighs_signals(combined: TfidfClassifier) -> None:
    expected = combined.combiner.predict_proba(combined.compute_signals(_IN_CONTEXT))
    assert np.array_equal(combined.predict_proba(_IN_CONTEXT), expected)


def test_scoring_changes_no_state(combined: TfidfClassifier, tmp_path: Path) -> None:
    classifier = combined
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        classifier.save(tmp_path / name)
        classifier.predict_proba(_OTHERS_IN_CONTEXT)
        classifier.explain(_IN_CONTEXT[0], 1)
    assert (tmp_path / "after/model.skops").read_bytes() == (tmp_path / "before/model.skops").read_bytes()


def test_a_classifier_is_saved_and_read_back(combined: TfidfClassifier, tmp_path: Path) -> None:
    combined.save(tmp_path)
    again = TfidfClassifier.load(tmp_path, {})
    assert np.array_equal(again.predict_proba(_IN_CONTEXT), combined.predict_proba(_IN_CONTEXT))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["combiner.json", "lexicon.json", "model.skops"]
    assert all(not name.endswith(".pkl") for name in zipfile.ZipFile(tmp_path / "model.skops").namelist())


def test_a_folder_without_its_files_is_told_by_name(classifier: TfidfClassifier, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.skops: not a readable model file"):
        TfidfClassifier.load(tmp_path, {})
    classifier.save(tmp_path)
    (tmp_path / "combiner.json").unlink()
    with pytest.raises(ModelError, match="not a TF-IDF model"):
        TfidfClassifier.load(tmp_path, {})


def test_evidence_is_sorted_positive_and_stands_where_it_says(combined: TfidfClassifier) -> None:
    evidence = combined.explain(_IN_CONTEXT[3], column=2, limit=20)
    weights = [e.weight for e in evidence]
    assert weights == sorted(weights, reverse=True)
    assert min(weights) > 0
    for e in evidence:
        field = getattr(_IN_CONTEXT[3], e.field)
        assert e.spans
        assert all(field[start:end] == e.ngram for start, end in e.spans)


def test_evidence_comes_from_the_text_and_from_its_lead_in(combined: TfidfClassifier) -> None:
    assert {e.field for e in combined.explain(_IN_CONTEXT[3], column=2, limit=50)} == {"text", "lead_in"}


def test_no_evidence_lies_within_other_evidence(combined: TfidfClassifier) -> None:
    ngrams = [e.ngram for e in combined.explain(_IN_CONTEXT[3], column=2, limit=20) if e.field == "text"]
    assert len(ngrams) > 1
    assert not any(a in b for a in ngrams for b in ngrams if a is not b)


def test_evidence_of_a_clause_stands_in_the_sentence() -> None:
    classifier = _combined()
    classifier.combiner = Combiner(np.tile([0.0, 1.0, 0, 0, 0, 0, 0], (3, 1)), np.zeros(3))
    text = "局党委召开会议,看守所清查监室,消防检查学校,民警在夜市巡逻。"
    evidence = classifier.explain(TextInContext(text), column=1)
    assert evidence
    assert all(text[start:end] == e.ngram for e in evidence for start, end in e.spans)
    assert max(end for e in evidence for _, end in e.spans) > text.index("民警")


def test_evidence_is_cut_at_its_limit_and_empty_for_nothing(classifier: TfidfClassifier) -> None:
    assert len(classifier.explain(_IN_CONTEXT[3], column=2, limit=1)) == 1
    assert classifier.explain(TextInContext(""), column=2) == []


def test_a_weight_is_its_n_grams_share_of_the_log_odds() -> None:
    classifier = _classifier(char_ngrams=(1, 1), word_ngrams=None).fit(_IN_CONTEXT, _Y)
    classifier.combiner = Combiner(np.full((3, 1), 2.0), np.zeros(3))
    text = TextInContext("宣传")
    evidence = classifier.explain(text, column=2)
    assert {e.ngram for e in evidence} == {"宣", "传"}
    expected = 2 * (_scores(classifier, [text])[0, 2] - classifier.head.intercept_[2])
    assert sum(e.weight for e in evidence) == pytest.approx(expected)


def test_evidence_is_plain_data(classifier: TfidfClassifier) -> None:
    evidence = classifier.explain(_IN_CONTEXT[0], column=1)[0]
    assert {type(value) for value in dataclasses.astuple(evidence)} == {str, float, tuple}
