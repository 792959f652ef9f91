"""Comparisons and tests against SciPy, scikit-learn, published examples and figures worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import f1_score

from tagger.errors import UsageError
from tagger.evaluation.comparison import holm, mcnemar, paired_bootstrap, verdict
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score

_IDS = ("traffic", "patrol", "propaganda")


def _flipped(rng: np.random.Generator, y: np.ndarray, share: float) -> np.ndarray:
    return np.where(rng.random(y.shape) < share, 1 - y, y).astype(np.int8)


def _tags(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, the tags of a good model and those of a worse one."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, 3)) < 0.3).astype(np.int8)
    return y_true, _flipped(rng, y_true, 0.1), _flipped(rng, y_true, 0.2)


def _entries(comparison: dict) -> dict[str, dict]:
    return {
        "f1_micro": comparison["f1_micro"],
        "f1_macro": comparison["f1_macro"],
        **dict(zip(_IDS, comparison["domains"], strict=True)),
    }


# The paired bootstrap.


def _f1_rows(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    each = f1_score(y_true, y_pred, average=None, zero_division=0)
    micro = f1_score(y_true, y_pred, average="micro", zero_division=0)
    return {"f1_micro": micro, "f1_macro": each.mean(), **dict(zip(_IDS, each, strict=True))}


def test_differences_are_those_of_bulletins_resampled_one_by_one_and_scored_by_scikit_learn() -> None:
    y_true, a, b = _tags(3)
    groups = np.array([f"b{i % 7}" for i in range(60)])
    names = np.unique(groups)
    weights = np.random.default_rng(5).multinomial(7, np.full(7, 1 / 7), size=50)
    found: dict[str, list[float]] = {}
    for weight in weights:
        rows = np.concatenate([np.tile(np.flatnonzero(groups == g), w) for g, w in zip(names, weight, strict=True)])
        of_a, of_b = _f1_rows(y_true[rows], a[rows]), _f1_rows(y_true[rows], b[rows])
        for name in of_a:
            found.setdefault(name, []).append(of_a[name] - of_b[name])
    comparison = paired_bootstrap(y_true, a, b, groups, n_resamples=50, seed=5)
    for name, entry in _entries(comparison).items():
        assert entry["interval"] == pytest.approx(tuple(np.percentile(found[name], [2.5, 97.5])), abs=1e-9)
        assert entry["share_a_better"] == pytest.approx(np.mean(np.array(found[name]) > 1e-12))


def test_intervals_without_clusters_are_those_of_scipy() -> None:
    y_true, a, b = _tags(1, n=400)

    def f1(rows: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        tp = (y_true & y_pred)[rows].sum(axis=-2)
        total = y_true[rows].sum(axis=-2) + y_pred[rows].sum(axis=-2)
        each, micro = 2 * tp / total, 2 * tp.sum(axis=-1) / total.sum(axis=-1)
        return np.stack([micro, each.mean(axis=-1), *np.moveaxis(each, -1, 0)])

    entries = _entries(paired_bootstrap(y_true, a, b, np.arange(400), n_resamples=2000))
    for column, (name, entry) in enumerate(entries.items()):

        def difference(rows: np.ndarray, axis: int, column: int = column) -> np.ndarray:
            return (f1(rows, a) - f1(rows, b))[column]

        reference = bootstrap(
            (np.arange(400),), difference, n_resamples=2000, batch=500, method="percentile", vectorized=True, rng=0
        ).confidence_interval
        assert entry["interval"] == pytest.approx((reference.low, reference.high), abs=1e-2), name


def test_the_figures_compared_are_those_of_score() -> None:
    y_true, a, b = _tags(2)
    entries = _entries(paired_bootstrap(y_true, a, b, np.arange(60), n_resamples=20))
    of_a, of_b = score(y_true, a, _IDS), score(y_true, b, _IDS)
    assert (entries["f1_micro"]["a"], entries["f1_micro"]["b"]) == pytest.approx((of_a["f1_micro"], of_b["f1_micro"]))
    assert (entries["f1_macro"]["a"], entries["f1_macro"]["b"]) == pytest.approx((of_a["f1_macro"], of_b["f1_macro"]))
    for id in _IDS:
        assert entries[id]["a"] == pytest.approx(of_a["domains"][id]["f1"])
        assert entries[id]["b"] == pytest.approx(of_b["domains"][id]["f1"])
        assert entries[id]["difference"] == entries[id]["a"] - entries[id]["b"]


def test_the_same_tags_differ_by_exactly_nothing() -> None:
    y_true, a, _ = _tags(0)
    comparison = paired_bootstrap(y_true, a, a.copy(), np.arange(60) // 4)
    for entry in _entries(comparison).values():
        assert (entry["difference"], entry["interval"]) == (0.0, (0.0, 0.0))
        assert (entry["p_value"], entry["share_a_better"]) == (1.0, 0.0)
    assert verdict(comparison).startswith(
        "No difference can be told: A and B differ by 0.0 points of micro-F1 [0.0, 0.0]"
    )


def test_changing_sides_changes_the_sign_and_nothing_else() -> None:
    y_true, a, b = _tags(4)
    groups = np.arange(60) // 4
    one, other = paired_bootstrap(y_true, a, b, groups), paired_bootstrap(y_true, b, a, groups)
    for forth, back in zip(_entries(one).values(), _entries(other).values(), strict=True):
        assert back["difference"] == -forth["difference"]
        assert back["interval"] == pytest.approx((-forth["interval"][1], -forth["interval"][0]))
        assert back["p_value"] == forth["p_value"]
        assert back["share_a_better"] + forth["share_a_better"] <= 1.0


def test_a_model_better_in_every_bulletin_has_the_smallest_p_value_there_is() -> None:
    y_true = np.ones((20, 1), dtype=np.int8)
    worse = np.tile([[1], [0]], (10, 1)).astype(np.int8)
    found = paired_bootstrap(y_true, y_true, worse, np.arange(20) // 4, n_resamples=199)["f1_micro"]
    assert found["p_value"] == 2 / 200
    assert found["share_a_better"] == 1.0
    assert found["interval"] == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_two_bulletins_that_disagree_leave_everything_open() -> None:
    # Each model has one bulletin right: both drawn twice in a quarter of the resamples.
    y_true = np.ones((20, 1), dtype=np.int8)
    a = np.repeat([[1], [0]], 10, axis=0).astype(np.int8)
    found = paired_bootstrap(y_true, a, 1 - a, np.repeat(["x", "y"], 10), n_resamples=4000)["f1_micro"]
    assert found["difference"] == 0.0
    assert found["interval"] == (-1.0, 1.0)
    assert found["p_value"] == 1.0
    assert found["share_a_better"] == pytest.approx(0.25, abs=0.03)


def _expected_f1(prevalence: float, error: float) -> float:
    """F1 in the long run of tags that are wrong with a chance of `error`, whatever the label."""
    hits = prevalence * (1 - error)
    return 2 * hits / (prevalence + hits + (1 - prevalence) * error)


def _coverage(whole_bulletins: bool) -> float:
    """How often an interval holds the known difference of models whose errors come in whole bulletins."""
    rng = np.random.default_rng(7)
    truth = _expected_f1(0.3, 0.10) - _expected_f1(0.3, 0.16)
    groups = np.repeat(np.arange(60), 12)
    covered = []
    for seed in range(150):
        y_true = (rng.random((720, 1)) < 0.3).astype(np.int8)
        rates = rng.beta([0.4, 0.64], [3.6, 3.36], (60, 2))[groups]
        a, b = _flipped(rng, y_true, rates[:, :1]), _flipped(rng, y_true, rates[:, 1:])
        keys = groups if whole_bulletins else np.arange(720)
        low, high = paired_bootstrap(y_true, a, b, keys, n_resamples=200, seed=seed)["f1_micro"]["interval"]
        covered.append(low <= truth <= high)
    return float(np.mean(covered))


def test_an_interval_holds_a_known_difference_where_one_over_single_texts_would_not() -> None:
    assert 0.88 <= _coverage(whole_bulletins=True) <= 0.98
    assert _coverage(whole_bulletins=False) < 0.85


def test_pairing_makes_the_interval_narrower_than_separate_ones_would() -> None:
    rng = np.random.default_rng(0)
    y_true = (rng.random((300, 3)) < 0.3).astype(np.int8)
    a = _flipped(rng, y_true, 0.2)
    b = _flipped(rng, a, 0.02)
    groups = np.arange(300) // 5
    low, high = paired_bootstrap(y_true, a, b, groups)["f1_micro"]["interval"]
    separate = [bootstrap_interval(y_true, y_pred, groups)["f1_micro"] for y_pred in (a, b)]
    # Of independent draws the widths would add up as the sides of a right angle.
    assert high - low < 0.5 * np.hypot(*(top - bottom for bottom, top in separate))


def test_a_domain_has_its_p_value_corrected_for_the_number_of_domains() -> None:
    entries = paired_bootstrap(*_tags(6), np.arange(60))["domains"]
    assert [e["p_holm"] for e in entries] == pytest.approx(holm([e["p_value"] for e in entries]).tolist())
    assert entries[0]["p_holm"] > entries[0]["p_value"]


def test_a_domain_nobody_tags_or_labels_differs_by_nothing() -> None:
    y_true, a, b = _tags(0)
    for y in (y_true, a, b):
        y[:, 1] = 0
    entry = paired_bootstrap(y_true, a, b, np.arange(60))["domains"][1]
    assert (entry["a"], entry["b"], entry["interval"], entry["p_value"]) == (0.0, 0.0, (0.0, 0.0), 1.0)


def test_a_comparison_is_repeatable_and_json_can_hold_it() -> None:
    y_true, a, b = _tags(5)
    groups = np.array([f"b{i // 6}" for i in range(60)])
    first = paired_bootstrap(y_true, a, b, groups, seed=1, level=0.9)
    assert json.loads(json.dumps(first)) == json.loads(
        json.dumps(paired_bootstrap(y_true, a, b, groups, seed=1, level=0.9))
    )
    assert first["f1_micro"]["interval"] != paired_bootstrap(y_true, a, b, groups, seed=2)["f1_micro"]["interval"]
    assert (first["n_texts"], first["n_bulletins"], first["n_resamples"], first["level"]) == (60, 10, 2000, 0.9)


def test_labels_of_any_integer_or_boolean_type_compare_alike() -> None:
    y_true, a, b = _tags(5)
    groups = np.arange(60) // 6
    assert paired_bootstrap(y_true, a, b, groups) == paired_bootstrap(
        y_true.astype(bool), a.astype(np.int64), b.astype(bool), groups
    )
    assert mcnemar(y_true, a, b) == mcnemar(y_true.astype(bool), a.astype(np.int64), b.astype(bool))


@pytest.mark.parametrize(
    ("rows", "factor", "found"),
    [(59, 1, "found labels (60, 3), tags (60, 3) and (59, 3)"), (60, 2, "other than 0 and 1")],
)
def test_tags_of_other_texts_and_scores_are_refused(rows: int, factor: int, found: str) -> None:
    y_true, a, b = _tags(0)
    for compare in (mcnemar, lambda *y: paired_bootstrap(*y, np.arange(60))):
        with pytest.raises(UsageError) as raised:
            compare(y_true, a, factor * b[:rows])
        assert found in str(raised.value)


def test_no_texts_and_too_few_groups_are_refused() -> None:
    y_true, a, b = _tags(0)
    with pytest.raises(UsageError, match=r"found labels \(0, 3\)"):
        mcnemar(y_true[:0], a[:0], b[:0])
    with pytest.raises(UsageError, match=r"found groups \(59,\) for 60 texts"):
        paired_bootstrap(y_true, a, b, np.arange(59))


# McNemar and Holm.


def _discordant(only_a: int, only_b: int, both: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A domain with so many texts that A alone, B alone, and both have right; labels of both kinds."""
    a_right = np.repeat([1, 0, 1], [only_a, only_b, both])
    b_right = np.repeat([0, 1, 1], [only_a, only_b, both])
    y_true = np.arange(len(a_right)) % 2
    tags = (np.where(right, y_true, 1 - y_true) for right in (a_right, b_right))
    return tuple(y.reshape(-1, 1) for y in (y_true, *tags))


@pytest.mark.parametrize(
    ("only_a", "only_b", "published"),
    [
        # Fagerland, Lydersen and Laake (2013), "The McNemar test for binary matched-pairs data", BMC Medical
        # Research Methodology 13:91, exact conditional test of their two examples.
        (1, 7, 0.0703),
        (6, 16, 0.0525),
    ],
)
def test_mcnemar_gives_published_p_values(only_a: int, only_b: int, published: float) -> None:
    (found,) = mcnemar(*_discordant(only_a, only_b))
    assert (found["only_a_right"], found["only_b_right"]) == (only_a, only_b)
    assert found["p_value"] == pytest.approx(published, abs=5e-5)


def test_mcnemar_by_hand() -> None:
    # 1 of 8 discordant: two tails of (1 + 8) of the 2^8 ways in which they may fall.
    assert mcnemar(*_discordant(1, 7))[0]["p_value"] == pytest.approx(2 * (1 + 8) / 256, abs=1e-12)
    assert mcnemar(*_discordant(5, 0))[0]["p_value"] == pytest.approx(2 / 32, abs=1e-12)


def test_mcnemar_of_models_that_decide_alike_is_one() -> None:
    assert mcnemar(*_discordant(0, 0)) == [{"only_a_right": 0, "only_b_right": 0, "p_value": 1.0, "p_holm": 1.0}]


def test_mcnemar_tests_each_domain_and_corrects_for_their_number() -> None:
    y_true, a, b = _tags(9, n=200)
    found = mcnemar(y_true, a, b)
    for column, entry in enumerate(found):
        right = np.stack([a[:, column], b[:, column]]) == y_true[:, column]
        pair = int((right[0] > right[1]).sum()), int((right[1] > right[0]).sum())
        assert (entry["only_a_right"], entry["only_b_right"]) == pair
        assert entry["p_value"] == pytest.approx(binomtest(pair[0], sum(pair)).pvalue, abs=1e-12)
    assert [e["p_holm"] for e in found] == pytest.approx(holm([e["p_value"] for e in found]).tolist())


def test_holm_by_a_worked_example() -> None:
    # At 5 % the textbook rejects the first and the last: 0.005 <= 0.05/4, 0.01 <= 0.05/3, 0.03 > 0.05/2.
    corrected = holm([0.01, 0.04, 0.03, 0.005])
    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-12)
    assert (corrected <= 0.05).tolist() == [True, False, False, True]


def test_holm_never_exceeds_one_nor_turns_the_order() -> None:
    p = np.random.default_rng(0).random(50)
    corrected = holm(p)
    assert corrected.max() == 1.0
    assert (corrected >= p).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()
    assert holm([0.2]).tolist() == [0.2]
    assert holm([]).shape == (0,)


# The sentence.


def _comparison(a: float, b: float, interval: tuple[float, float], n_bulletins: int = 568, level: float = 0.95) -> dict:
    entry = {"a": a, "b": b, "difference": a - b, "interval": interval}
    domains = [{"difference": d, "p_holm": p} for d, p in ((0.032, 0.01), (-0.011, 0.05), (0.3, 0.06))]
    return {"n_bulletins": n_bulletins, "level": level, "f1_micro": entry, "f1_macro": entry, "domains": domains}


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (
            _comparison(0.912, 0.891, (0.012, 0.030)),
            "bert is better than tfidf by 2.1 points of micro-F1 [1.2, 3.0], 0.912 against 0.891 "
            "(95 % interval over 568 bulletins).",
        ),
        (
            _comparison(0.891, 0.912, (-0.030, -0.012), level=0.9),
            "tfidf is better than bert by 2.1 points of micro-F1 [1.2, 3.0], 0.912 against 0.891 "
            "(90 % interval over 568 bulletins).",
        ),
        (
            _comparison(0.895, 0.891, (-0.005, 0.013)),
            "No difference can be told: bert is ahead of tfidf by 0.4 points of micro-F1 [-0.5, 1.3], "
            "0.895 against 0.891 (95 % interval over 568 bulletins).",
        ),
        (
            _comparison(0.891, 0.895, (-0.013, 0.0)),
            "No difference can be told: tfidf is ahead of bert by 0.4 points of micro-F1 [0.0, 1.3], "
            "0.895 against 0.891 (95 % interval over 568 bulletins).",
        ),
        (
            _comparison(0.895, 0.891, (0.0003, 0.013)),
            "bert is better than tfidf by 0.4 points of micro-F1 [0.03, 1.3], 0.895 against 0.891 "
            "(95 % interval over 568 bulletins).",
        ),
        (
            _comparison(0.912, 0.891, (0.012, 0.030), n_bulletins=6),
            "bert is better than tfidf by 2.1 points of micro-F1 [1.2, 3.0], 0.912 against 0.891 "
            "(95 % interval over 6 bulletins, which are few: it is too narrow).",
        ),
        (
            _comparison(0.912, 0.891, (0.012, 0.030), n_bulletins=5),
            "No difference can be told: 5 bulletins are too few; bert is ahead of tfidf by 2.1 points of micro-F1 "
            "[1.2, 3.0], 0.912 against 0.891.",
        ),
        (
            _comparison(0.912, 0.891, (0.021, 0.021), n_bulletins=1),
            "No difference can be told: 1 bulletin is too few; bert is ahead of tfidf by 2.1 points of micro-F1 "
            "[2.1, 2.1], 0.912 against 0.891.",
        ),
    ],
    ids="better worse open touching small few too-few one".split(),
)  # fmt: skip
def test_the_verdict_is_one_plain_sentence(comparison: dict, sentence: str) -> None:
    assert verdict(comparison, "bert", "tfidf") == sentence


def test_the_verdict_names_the_domains_that_differ_after_correction() -> None:
    comparison = _comparison(0.912, 0.891, (0.012, 0.030))
    assert verdict(comparison, "bert", "tfidf", ids=_IDS).endswith(
        "bulletins); ahead by domain: bert in traffic by 3.2 and tfidf in patrol by 1.1."
    )
    comparison["level"] = 0.999
    assert verdict(comparison, "bert", "tfidf", ids=_IDS).endswith(
        "bulletins); no difference within a domain can be told."
    )


def test_the_verdict_may_be_about_macro_f1() -> None:
    comparison = paired_bootstrap(*_tags(0, n=600), np.arange(600) // 10)
    assert verdict(comparison).startswith("A is better than B by ")
    assert "points of macro-F1 [" in verdict(comparison, metric="f1_macro")


def test_an_interval_on_the_other_side_of_the_difference_is_no_verdict() -> None:
    assert verdict(_comparison(0.8911, 0.8910, (-0.02, -0.001))).startswith(
        "No difference can be told: A is ahead of B"
    )
