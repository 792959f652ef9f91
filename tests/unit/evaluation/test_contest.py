"""Runs set against each other: which rows count, which runs may be compared, how seeds are drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tagger.errors import InputError, UsageError
from tagger.evaluation.comparison import (
    bootstrap_of_seeds,
    correct_together,
    decide,
    holm,
    mcnemar,
    paired_bootstrap,
    verdict,
)
from tagger.evaluation.contest import (
    config_difference,
    differences,
    hold_contest,
    make_sides,
    match_scores,
    spread,
)
from tagger.evaluation.runs import read_run, read_runs

MakeRun = Callable[..., Path]


def _tags(seed: int, n_runs: int = 3, n: int = 60) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, 3)) < 0.4).astype(np.int8)
    return y_true, [np.where(rng.random((n, 3)) < 0.15, 1 - y_true, y_true) for _ in range(n_runs)], np.arange(n) // 5


def test_one_run_a_side_is_the_paired_bootstrap() -> None:
    y_true, (a, b, _), groups = _tags(0)
    pair = paired_bootstrap(y_true, a, b, groups, n_resamples=200, seed=3)
    assert bootstrap_of_seeds(y_true, [a], [b], groups, n_resamples=200, seed=3) == pair


def test_seeds_of_equal_tags_count_as_one_run() -> None:
    y_true, (a, b, _), groups = _tags(1)
    pair = paired_bootstrap(y_true, a, b, groups, n_resamples=200)
    many = bootstrap_of_seeds(y_true, [a, a, a], [b, b], groups, n_resamples=200)
    assert many["f1_micro"]["difference"] == pytest.approx(pair["f1_micro"]["difference"], abs=1e-12)
    assert many["f1_micro"]["interval"] == pytest.approx(pair["f1_micro"]["interval"], abs=1e-12)


def test_the_difference_is_that_of_the_means_over_seeds() -> None:
    y_true, (a, b, c), groups = _tags(2)
    found = bootstrap_of_seeds(y_true, [a, b], [c], groups, n_resamples=50)["f1_micro"]
    of_a = np.mean([f1_score(y_true, y, average="micro") for y in (a, b)])
    assert found["a"] == pytest.approx(of_a, abs=1e-9)
    assert found["difference"] == pytest.approx(of_a - f1_score(y_true, c, average="micro"), abs=1e-9)


def test_seeds_that_differ_make_the_interval_wider() -> None:
    rng = np.random.default_rng(0)
    y_true = (rng.random((400, 3)) < 0.4).astype(np.int8)
    seeds = [np.where(rng.random(y_true.shape) < share, 1 - y_true, y_true) for share in (0.02, 0.2, 0.4)]
    groups = np.arange(400) // 5

    def width(runs: list[np.ndarray]) -> float:
        low, high = bootstrap_of_seeds(y_true, runs, [seeds[1]], groups, n_resamples=500)["f1_micro"]["interval"]
        return high - low

    assert width(seeds) > 2 * max(width([seed]) for seed in (seeds[0], seeds[2]))


def test_several_comparisons_are_corrected_for_all_of_them() -> None:
    y_true, (a, b, c), groups = _tags(3)
    made = [paired_bootstrap(y_true, *pair, groups, n_resamples=200) for pair in ((a, b), (a, c), (b, c))]
    made = [{**one, "mcnemar": mcnemar(y_true, a, b)} for one in made]
    corrected = correct_together(made)
    for name in ("f1_micro", "f1_macro"):
        expected = holm([one[name]["p_value"] for one in made]).tolist()
        assert [one[name]["p_holm"] for one in corrected] == expected
    for name in ("domains", "mcnemar"):
        expected = holm([entry["p_value"] for one in made for entry in one[name]]).tolist()
        assert [entry["p_holm"] for one in corrected for entry in one[name]] == expected
    assert "p_holm" not in made[0]["f1_micro"]  # what was given is left as it was


def test_a_clear_interval_is_no_verdict_when_the_corrected_p_value_is_not_small() -> None:
    entry = {"a": 0.9, "b": 0.88, "difference": 0.02, "interval": (0.001, 0.04), "p_value": 0.04}
    comparison = {"n_bulletins": 100, "level": 0.95, "f1_micro": entry, "domains": []}
    assert decide(comparison) == "better"
    entry["p_holm"] = 0.12
    assert decide(comparison) == "open"
    assert verdict(comparison).startswith("No difference can be told: A is ahead of B")
    assert verdict(comparison).endswith("(95 % interval over 100 bulletins; p = 0.12 after correction).")
    assert decide({**comparison, "n_bulletins": 5}) == "too_few"


def test_only_rows_that_all_runs_have_are_compared(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b", noise=0.8, seed=2, drop=7))]
    scores, left_out = match_scores(runs, "out_of_fold")
    assert left_out == {"a": 7, "b": 0}
    assert scores["a"].ids.tolist() == scores["b"].ids.tolist() == runs[0].out_of_fold.ids[7:].tolist()
    contest = hold_contest(runs)
    assert (contest.n_units, contest.n_bulletins) == (65, 11)
    assert contest.pairs[0]["comparison"]["f1_micro"]["a"] == pytest.approx(
        f1_score(runs[0].out_of_fold.y_true[7:], runs[0].out_of_fold.y_pred[7:], average="micro"), abs=1e-9
    )


@pytest.mark.parametrize("level", ["sentence", "paragraph", "bulletin"])
def test_a_contest_at_each_level_is_the_paired_bootstrap_of_its_units(make_run: MakeRun, level: str) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b", noise=0.8, seed=2))]
    a, b = (run.out_of_fold.at_level(level) for run in runs)
    expected = paired_bootstrap(a.y_true, a.y_pred, b.y_pred, a.bulletins)
    found = hold_contest(runs, level=level).pairs[0]["comparison"]
    assert found.pop("mcnemar") == mcnemar(a.y_true, a.y_pred, b.y_pred)
    assert found == expected


def test_other_data_other_labels_and_nothing_in_common_are_errors(make_run: MakeRun) -> None:
    first = read_run(make_run("a", test=True))
    other = make_run("b", noise=0.5, data_hash="cd" * 32)
    with pytest.raises(InputError, match="trained on data cdcdcdcdcdcd, expected that of a: abababababab"):
        hold_contest([first, read_run(other)])
    with pytest.raises(UsageError, match="b: has no test scores"):
        hold_contest([first, read_run(other)], "test")
    relabelled = make_run("c", noise=0.4)
    arrays = dict(np.load(relabelled / "out_of_fold.npz"))
    arrays["y_true"][3] = 1 - arrays["y_true"][3]
    np.savez(relabelled / "out_of_fold.npz", **arrays)
    with pytest.raises(
        InputError, match=r"1 sentences have another text, place or labels than in a, such as b00\.1\.0"
    ):
        hold_contest([first, read_run(relabelled)])
    np.savez(relabelled / "out_of_fold.npz", **{**arrays, "ids": np.char.add("x", arrays["ids"])})
    with pytest.raises(InputError, match="no sentence in common with a"):
        hold_contest([first, read_run(relabelled)])


def test_a_test_set_for_both_can_be_compared_whatever_was_trained_on(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a", test=True)), read_run(make_run("b", test=True, noise=0.9, data_hash="cd" * 32))]
    assert hold_contest(runs, "test").n_units == 72
    folder = runs[1].path
    lines = (folder / "sentences.jsonl").read_text(encoding="utf-8").splitlines()
    changed = {**json.loads(lines[5]), "text": "另一句话。"}
    (folder / "sentences.jsonl").write_text("\n".join([*lines[:5], json.dumps(changed), *lines[6:]]))
    with pytest.raises(InputError, match="1 sentences have another text"):
        hold_contest([runs[0], read_run(folder)], "test")


def test_runs_that_differ_in_their_seeds_alone_are_one_side(make_run: MakeRun) -> None:
    for seed in (1, 2, 3):
        make_run(f"a-{seed}", seed=seed)
    make_run("b", noise=0.9)
    runs = read_runs([make_run("c", noise=0.6).parent])
    contest = hold_contest(runs, n_resamples=200)
    assert [side.name for side in contest.sides] == ["a-1 (3 seeds)", "b", "c"]
    assert len(contest.pairs) == 3
    assert contest.pairs[0]["comparison"]["mcnemar"] is None
    assert contest.pairs[2]["comparison"]["mcnemar"] is not None
    figures = [f1_score(s.y_true, s.y_pred, average="micro") for s in (run.out_of_fold for run in runs[:3])]
    found = spread(contest.sides[0], contest)["f1_micro"]
    assert found["mean"] == pytest.approx(np.mean(figures), abs=1e-9)
    assert found["sd"] == pytest.approx(np.std(figures, ddof=1), abs=1e-9)
    assert (found["low"], found["high"]) == pytest.approx((min(figures), max(figures)), abs=1e-9)


def test_the_same_seed_twice_is_no_second_draw(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b"))]
    assert [side.name for side in make_sides(runs)] == ["a", "b"]
    with pytest.raises(UsageError, match="1 run of one configuration, expected two configurations"):
        hold_contest(runs[:1])


def test_where_runs_differ_the_surest_come_first(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b", noise=0.9, seed=2))]
    contest = hold_contest(runs, n_resamples=100)
    found = list(differences(contest))
    a, b = (run.out_of_fold for run in runs)
    differs = (a.y_pred != b.y_pred).any(axis=1)
    assert {row["id"] for row in found} == set(a.ids[differs].tolist())
    row = found[0]
    assert row["text"] == f"第{row['id']}句：民警巡逻。"
    at = a.ids.tolist().index(row["id"])
    assert row["domains"] == [id for id, label in zip(contest.domains.ids, a.y_true[at], strict=True) if label]
    assert set(row["differs"]) == set(row["tags"]["a"]) ^ set(row["tags"]["b"])
    margins = [
        max(min(abs(row["scores"][name][id] - 0.5) for name in ("a", "b")) for id in row["differs"]) for row in found
    ]
    assert margins == sorted(margins, reverse=True)


def test_settings_that_differ_are_named_but_not_the_output(make_run: MakeRun) -> None:
    runs = [read_run(make_run("a")), read_run(make_run("b", noise=0.9, config={"more": {"x": 1}}))]
    assert config_difference(runs) == {"model.noise": [0.2, 0.9], "more.x": [None, 1]}
