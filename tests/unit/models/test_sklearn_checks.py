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
from tagger.models.features import TextFeatures
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


@parametrize_with_checks([LinearHead(), OnRows(min_df=1)])
def test_scikit_learn_takes_it_for_one_of_its_own(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


# From here on: the like for text.

_TEXTS = [
    TextInContext("民警在夜市巡逻。", lead_in="强化巡控。", title="某县公安局工作"),
    TextInContext("向群众发放宣传单200份。", lead_in="加强宣传。", previous="民警在夜市巡逻。"),
    TextInContext("民警查处酒驾12起。", following="向学生宣传佩戴头盔。"),
    TextInContext("向学生宣传佩戴头盔。", lead_in="加强宣传。"),
    TextInContext("局党委召开会议。"),
    TextInContext("APP推送防骗提示，民警Ａ讲座。"),
]
_OTHERS = ["消防队员检查商场。", "看守所清查监室。", "消防检查学校。"]
_Y = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 1]], dtype=np.int8)
_CONTEXTS = ("lead_in", "previous", "following", "title")
_SETTINGS = {
    "default": {},
    "characters": {"word_ngrams": None, "context": ()},
    "words": {"char_ngrams": None, "context": ()},
    "all_context": {"context": _CONTEXTS, "context_weight": 0.25},
    "context_alone": {"char_ngrams": None, "word_ngrams": None},
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
    texts = [TextInContext(t, lead_in=t, previous=t, following=t, title=t) for t in _OTHERS]
    again = clone(features).fit(_TEXTS).fit(texts)
    fresh = features.fit(texts)
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
    assert all(re.fullmatch(r"(text|lead_in|previous|following|title):(char|word):.+", name, re.S) for name in names)


def test_transforming_changes_no_state(fitted: TextFeatures, tmp_path: Path) -> None:
    skops_file.dump(fitted, tmp_path / "before")
    fitted.transform(_OTHERS)
    skops_file.dump(fitted, tmp_path / "after")
    assert (tmp_path / "after").read_bytes() == (tmp_path / "before").read_bytes()


@pytest.mark.parametrize("text", ["", " ", "\u3000", "\n"], ids=repr)
def test_a_text_of_nothing_has_an_empty_row(fitted: TextFeatures, text: str) -> None:
    assert fitted.transform([TextInContext(text.strip())]).nnz == 0
    assert fitted.transform([TextInContext(text)]).shape == (1, fitted.transform(_TEXTS).shape[1])


def test_a_text_of_unknown_signs_has_an_empty_row(fitted: TextFeatures) -> None:
    assert fitted.transform(["ζξψ"]).nnz == 0


@pytest.mark.parametrize("text", ["👮🏽‍♀️巡逻", "𠀋𠮷", "e\u0301", "\u202e", "巡\u200b逻", "ﷺ"], ids=ascii)
def test_any_text_can_be_transformed_and_learnt(features: TextFeatures, text: str) -> None:
    texts = [*_TEXTS, TextInContext(text, lead_in=text)]
    assert features.fit(texts).transform(texts).shape[0] == 7


def test_a_very_long_text_can_be_transformed(fitted: TextFeatures) -> None:
    row = fitted.transform([TextInContext("民警在夜市巡逻。" * 2_000, lead_in="强化巡控。")])
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
    fitted.fit([TextInContext(t, lead_in=t) for t in _OTHERS])
    assert _same(twin.transform(_TEXTS), expected)


def test_features_are_saved_and_read_back(fitted: TextFeatures, tmp_path: Path) -> None:
    skops_file.dump(fitted, tmp_path / "features.skops")
    again = skops_file.load(tmp_path / "features.skops", ["tagger.models.features.TextFeatures"])
    assert again.get_params() == fitted.get_params()
    assert _same(again.transform(_TEXTS), fitted.transform(_TEXTS))
    assert again.get_feature_names_out().tolist() == fitted.get_feature_names_out().tolist()


def test_a_plain_string_is_a_text_without_context(fitted: TextFeatures) -> None:
    plain = fitted.transform(["民警在夜市巡逻。"])
    assert _same(plain, fitted.transform([TextInContext("民警在夜市巡逻。")]))


def test_figures_count_alike_and_latin_in_either_case() -> None:
    features = TextFeatures(min_df=1).fit(_TEXTS)
    rows = features.transform(["查处酒驾12起，APP。", "查处酒驾98起，app。", "查处酒驾1起，APP。"])
    assert _same(rows[0], rows[1])
    assert not _same(rows[0], rows[2])


def _norms(features: TextFeatures, field: str, analyzer: str) -> np.ndarray:
    is_block = [name.startswith(f"{field}:{analyzer}:") for name in features.get_feature_names_out()]
    return sp.linalg.norm(features.transform(_TEXTS)[:, np.flatnonzero(is_block)], axis=1)


def test_blocks_have_the_length_that_is_asked_for() -> None:
    features = TextFeatures(min_df=1, word_weight=0.7, context_weight=0.3).fit(_TEXTS)
    assert _norms(features, "text", "char") == pytest.approx(np.ones(6))
    assert _norms(features, "text", "word") == pytest.approx(np.full(6, 0.7))
    assert _norms(features, "lead_in", "char") == pytest.approx([0.3, 0.3, 0, 0.3, 0, 0])


def test_rare_n_grams_are_left_out() -> None:
    names = TextFeatures(min_df=2, word_ngrams=None, context=()).fit(_TEXTS).get_feature_names_out()
    assert "text:char:民警" in names
    assert "text:char:酒驾" not in names


def test_words_are_those_of_the_segmenter() -> None:
    names = TextFeatures(min_df=1, char_ngrams=None, context=(), word_ngrams=(1, 1)).fit(_TEXTS).get_feature_names_out()
    assert {"text:word:民警", "text:word:巡逻", "text:word:宣传单"} <= set(names)


def test_a_context_that_no_text_has_is_left_out() -> None:
    names = TextFeatures(min_df=1, context=("lead_in",)).fit(["民警巡逻。", "民警宣传。"]).get_feature_names_out()
    assert {name.split(":")[0] for name in names} == {"text"}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"char_ngrams": None, "word_ngrams": None, "context": ()}, "no n-grams of any kind are asked for"),
        ({"context": ("leadin",)}, "context 'leadin', expected some of text, lead_in, previous, following, title"),
        ({"char_ngrams": (3, 1)}, "Invalid value for ngram_range"),
        ({"char_ngrams": (1, 1), "min_df": 7}, "min_df"),
        ({"min_df": 0}, "min_df"),
    ],
)
def test_settings_that_cannot_work_are_refused_when_fitting(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        TextFeatures(**{"min_df": 1, **settings}).fit(_TEXTS)


def _classifier(**settings: Any) -> TfidfClassifier:
    return TfidfClassifier(TextFeatures(min_df=1, **settings), LinearHead(C=10.0))


@pytest.fixture
def classifier() -> TfidfClassifier:
    """A classifier fitted on `_TEXTS`."""
    return _classifier().fit(_TEXTS, _Y)


def test_fitting_returns_the_classifier_itself() -> None:
    classifier = _classifier()
    assert classifier.fit(_TEXTS, _Y) is classifier


def test_scores_are_single_precision_probabilities(classifier: TfidfClassifier) -> None:
    y_proba = classifier.predict_proba(_TEXTS)
    assert y_proba.dtype == np.float32
    assert y_proba.shape == (6, 3)
    assert ((y_proba > 0) & (y_proba < 1)).all()


def test_what_was_learnt_is_known(classifier: TfidfClassifier) -> None:
    assert np.array_equal(classifier.decision_function(_TEXTS) > 0, _Y == 1)


def test_a_text_alone_has_the_scores_it_has_among_others(classifier: TfidfClassifier) -> None:
    alone = np.vstack([classifier.predict_proba([text]) for text in _TEXTS])
    assert np.array_equal(alone, classifier.predict_proba(_TEXTS))


def test_scores_follow_the_order_of_texts(classifier: TfidfClassifier) -> None:
    assert np.array_equal(classifier.predict_proba(_TEXTS[::-1]), classifier.predict_proba(_TEXTS)[::-1])


def test_training_twice_gives_the_same_scores(classifier: TfidfClassifier) -> None:
    again = _classifier().fit(_TEXTS, _Y)
    assert np.array_equal(again.decision_function(_TEXTS), classifier.decision_function(_TEXTS))


def test_training_again_forgets(classifier: TfidfClassifier) -> None:
    y = np.array([[1, 0], [0, 1], [1, 0]])
    again = classifier.fit(_OTHERS, y)
    assert np.array_equal(again.predict_proba(_TEXTS), _classifier().fit(_OTHERS, y).predict_proba(_TEXTS))


def test_no_texts_have_no_scores(classifier: TfidfClassifier) -> None:
    assert classifier.predict_proba([]).shape == (0, 3)


def test_a_text_of_nothing_has_the_scores_of_the_intercepts(classifier: TfidfClassifier) -> None:
    assert classifier.decision_function([TextInContext("")])[0] == pytest.approx(classifier.head.intercept_)


def test_before_training_nothing_is_answered() -> None:
    with pytest.raises(NotFittedError):
        _classifier().predict_proba(_TEXTS)


@pytest.mark.parametrize("texts", [[None], "民警巡逻。", [5]], ids=str)
def test_what_is_no_text_gets_no_scores(classifier: TfidfClassifier, texts: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        classifier.predict_proba(texts)


def test_the_context_counts(classifier: TfidfClassifier) -> None:
    alone = classifier.decision_function([TextInContext("成效明显。")])
    led = classifier.decision_function([TextInContext("成效明显。", lead_in="加强宣传。")])
    assert led[0, 2] > alone[0, 2]


def test_a_domain_that_never_occurs_is_never_found() -> None:
    y_proba = _classifier().fit(_TEXTS, _Y * [1, 0, 1]).predict_proba(_TEXTS)
    assert y_proba[:, 1].max() < 1e-6


def test_a_domain_that_always_occurs_is_always_found() -> None:
    y_proba = _classifier().fit(_TEXTS, np.maximum(_Y, [0, 1, 0])).predict_proba(_OTHERS)
    assert y_proba[:, 1].min() > 1 - 1e-6


def test_a_single_domain_is_enough() -> None:
    classifier = _classifier().fit(_TEXTS, _Y[:, :1])
    assert classifier.predict_proba(_TEXTS).shape == (6, 1)
    assert np.array_equal(classifier.decision_function(_TEXTS) > 0, _Y[:, :1] == 1)


def test_calibration_moves_scores_and_keeps_their_order(classifier: TfidfClassifier) -> None:
    scores = classifier.decision_function(_TEXTS)
    classifier.slopes, classifier.intercepts = np.full(3, 2.0), np.full(3, -1.0)
    expected = 1 / (1 + np.exp(-(2 * scores - 1)))
    assert classifier.predict_proba(_TEXTS) == pytest.approx(expected, abs=1e-6)


def test_scoring_changes_no_state(classifier: TfidfClassifier, tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        classifier.save(tmp_path / name)
        classifier.predict_proba(_OTHERS)
        classifier.explain(_TEXTS[0], 1)
    assert (tmp_path / "after/model.skops").read_bytes() == (tmp_path / "before/model.skops").read_bytes()


def test_a_classifier_is_saved_and_read_back(classifier: TfidfClassifier, tmp_path: Path) -> None:
    classifier.slopes, classifier.intercepts = np.array([1.5, 2.0, 0.5]), np.array([0.1, 0.0, -2.0])
    classifier.save(tmp_path)
    again = TfidfClassifier.load(tmp_path, {})
    assert np.array_equal(again.predict_proba(_TEXTS), classifier.predict_proba(_TEXTS))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["calibration.json", "model.skops"]
    assert all(not name.endswith(".pkl") for name in zipfile.ZipFile(tmp_path / "model.skops").namelist())


def test_a_folder_without_its_files_is_told_by_name(classifier: TfidfClassifier, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.skops: not a readable model file"):
        TfidfClassifier.load(tmp_path, {})
    classifier.save(tmp_path)
    (tmp_path / "calibration.json").unlink()
    with pytest.raises(ModelError, match="not a TF-IDF model"):
        TfidfClassifier.load(tmp_path, {})


def test_evidence_is_sorted_positive_and_stands_where_it_says(classifier: TfidfClassifier) -> None:
    evidence = classifier.explain(_TEXTS[3], column=2, limit=20)
    weights = [e.weight for e in evidence]
    assert weights == sorted(weights, reverse=True)
    assert min(weights) > 0
    for e in evidence:
        field = getattr(_TEXTS[3], e.field)
        assert e.spans
        assert all(field[start:end] == e.ngram for start, end in e.spans)


def test_evidence_comes_from_the_text_and_from_its_lead_in(classifier: TfidfClassifier) -> None:
    assert {e.field for e in classifier.explain(_TEXTS[3], column=2, limit=50)} == {"text", "lead_in"}


def test_no_evidence_lies_within_other_evidence(classifier: TfidfClassifier) -> None:
    ngrams = [e.ngram for e in classifier.explain(_TEXTS[3], column=2, limit=20) if e.field == "text"]
    assert len(ngrams) > 1
    assert not any(a in b for a in ngrams for b in ngrams if a is not b)


def test_evidence_is_cut_at_its_limit_and_empty_for_nothing(classifier: TfidfClassifier) -> None:
    assert len(classifier.explain(_TEXTS[3], column=2, limit=1)) == 1
    assert classifier.explain(TextInContext(""), column=2) == []


def test_a_weight_is_its_n_grams_share_of_the_log_odds() -> None:
    classifier = _classifier(char_ngrams=(1, 1), word_ngrams=None, context=()).fit(_TEXTS, _Y)
    classifier.slopes, classifier.intercepts = np.full(3, 2.0), np.zeros(3)
    text = TextInContext("宣传")
    evidence = classifier.explain(text, column=2)
    assert {e.ngram for e in evidence} == {"宣", "传"}
    expected = 2 * (classifier.decision_function([text])[0, 2] - classifier.head.intercept_[2])
    assert sum(e.weight for e in evidence) == pytest.approx(expected)


def test_evidence_is_plain_data(classifier: TfidfClassifier) -> None:
    evidence = classifier.explain(_TEXTS[0], column=1)[0]
    assert {type(value) for value in dataclasses.astuple(evidence)} == {str, float, tuple}
