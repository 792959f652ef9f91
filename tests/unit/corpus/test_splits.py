"""Grouped folds: bulletins never part, every row is tested once, domains stay in balance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.corpus.duplicates import Link
from tagger.corpus.splits import (
    Split,
    bulletins_trained_on,
    grouped_folds,
    read_split,
    split_by_source,
    split_grouped,
)
from tagger.errors import CorpusError, InputError


def _labels(seed: int = 0, n_groups: int = 40, per_group: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Sentences of bulletins, each bulletin with a leaning of its own; the third domain is rare."""
    rng = np.random.default_rng(seed)
    leaning = rng.random((n_groups, 3)) * (0.6, 0.4, 0.06)
    groups = np.repeat([f"b{i:02}" for i in range(n_groups)], per_group)
    y_true = (rng.random((len(groups), 3)) < np.repeat(leaning, per_group, axis=0)).astype(np.int8)
    shuffled = rng.permutation(len(groups))
    return y_true[shuffled], groups[shuffled]


@pytest.mark.parametrize("n_folds", [2, 5, 40])
@pytest.mark.parametrize("seed", range(3))
def test_a_bulletin_is_never_on_both_sides(seed: int, n_folds: int) -> None:
    y_true, groups = _labels(seed)
    for train, test in grouped_folds(y_true, groups, n_folds=n_folds, seed=seed):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("n_folds", [2, 5, 40])
def test_every_row_is_tested_once_and_trained_on_in_all_other_folds(n_folds: int) -> None:
    y_true, groups = _labels()
    folds = list(grouped_folds(y_true, groups, n_folds=n_folds, seed=1))
    assert len(folds) == n_folds
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(groups)))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(len(groups)))
        assert len(test) > 0


@pytest.mark.parametrize("seed", range(5))
def test_every_fold_has_its_share_of_every_domain(seed: int) -> None:
    y_true, groups = _labels(seed)
    counts = np.array([y_true[test].sum(axis=0) for _, test in grouped_folds(y_true, groups, n_folds=4, seed=seed)])
    wanted = y_true.sum(axis=0) / 4
    # A whole bulletin is placed at a time, and it has at most 8 sentences of a domain.
    assert (np.abs(counts - wanted) <= 4).all()


def test_folds_are_about_equally_large() -> None:
    y_true, groups = _labels(1)
    sizes = [len(test) for _, test in grouped_folds(y_true, groups, n_folds=5, seed=0)]
    assert max(sizes) - min(sizes) <= 16


def test_a_domain_of_three_bulletins_is_in_three_folds() -> None:
    y_true, groups = _labels(2)
    y_true[:, 2] = np.isin(groups, ["b03", "b11", "b30"])
    folds = grouped_folds(y_true, groups, n_folds=3, seed=0)
    assert [int(y_true[test, 2].sum()) for _, test in folds] == [8, 8, 8]


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    y_true, groups = _labels(3)

    def tests_of(seed: int) -> list[list[int]]:
        return [test.tolist() for _, test in grouped_folds(y_true, groups, n_folds=5, seed=seed)]

    assert tests_of(1) == tests_of(1)
    same = np.tile([[1, 0, 0]], (len(groups), 1))  # groups that are all alike: only the seed decides
    first, second = (
        [groups[test].tolist() for _, test in grouped_folds(same, groups, n_folds=5, seed=seed)] for seed in (1, 2)
    )
    assert first != second


@pytest.mark.parametrize("n_folds", [0, 1, 4])
def test_a_number_of_folds_that_cannot_be_filled_is_refused(n_folds: int) -> None:
    y_true, groups = np.ones((6, 1)), np.repeat(["a", "b", "c"], 2)
    with pytest.raises(ValueError, match=f"{n_folds} folds of 3 groups: expected 2 to 3"):
        list(grouped_folds(y_true, groups, n_folds=n_folds, seed=0))


@st.composite
def _data(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[Link]]:
    """Labels, bulletins in any order, and links between some of them; at least three groups."""
    n = draw(st.integers(4, 12))
    bulletins = np.array(draw(st.permutations([f"b{i}" for i in range(n)] * 2)))
    y_true = np.array(draw(st.lists(st.tuples(*[st.integers(0, 1)] * 2), min_size=2 * n, max_size=2 * n)))
    # Up to n - 3 links leave three groups at least.
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=n - 3))
    links = [Link((f"b{min(p)}", f"b{max(p)}"), ("", ""), 0.9) for p in pairs if p[0] != p[1]]
    return y_true, bulletins, links


@given(_data(), st.integers(2, 3), st.integers(0, 3))
def test_groups_never_part_and_every_row_is_held_out_once(
    data: tuple[np.ndarray, np.ndarray, list[Link]], n_folds: int, seed: int
) -> None:
    y_true, bulletins, links = data
    split = split_grouped(y_true, bulletins, links, n_folds=n_folds, seed=seed)
    assert sorted(np.concatenate([fold.held_out for fold in split.folds])) == list(range(len(bulletins)))
    for fold in split.folds:
        assert sorted([*fold.train, *fold.held_out]) == list(range(len(bulletins)))
        held_out = set(bulletins[fold.held_out])
        assert not held_out & set(bulletins[fold.train])
        assert not any((link.bulletins[0] in held_out) != (link.bulletins[1] in held_out) for link in links)
    assert split_grouped(y_true, bulletins, links, n_folds=n_folds, seed=seed).hash == split.hash


@given(_data(), st.integers(2, 4))
def test_a_source_is_held_out_whole_and_nothing_like_it_is_trained_on(
    data: tuple[np.ndarray, np.ndarray, list[Link]], n_sources: int
) -> None:
    _, bulletins, links = data
    sources = np.array([f"s{int(name[1:]) % n_sources}" for name in bulletins])
    split = split_by_source(sources, bulletins, links)
    assert sorted(np.concatenate([fold.held_out for fold in split.folds])) == list(range(len(bulletins)))
    for fold in split.folds:
        held_out, train = set(bulletins[fold.held_out]), set(bulletins[fold.train])
        assert set(sources[fold.held_out]) == {fold.name}
        assert fold.name not in set(sources[fold.train])
        assert held_out | train | set(fold.set_aside) == set(bulletins)
        linked = {a if b in held_out else b for a, b in (link.bulletins for link in links) if {a, b} & held_out}
        assert not train & linked


def test_without_links_the_folds_are_those_of_the_bulletins_alone() -> None:
    y_true, groups = _labels(4)
    split = split_grouped(y_true, groups, [], n_folds=5, seed=1)
    alone = list(grouped_folds(y_true, groups, n_folds=5, seed=1))
    assert [fold.held_out.tolist() for fold in split.folds] == [held_out.tolist() for _, held_out in alone]


def test_a_bulletin_without_a_source_or_a_single_source_is_told() -> None:
    bulletins = np.array(["a", "b"])
    with pytest.raises(CorpusError, match=r"bulletin 'b' has no source.+data\.fields\.source"):
        split_by_source(np.array(["x", ""]), bulletins, [])
    with pytest.raises(ValueError, match=r"1 source \(x\): expected 2 or more"):
        split_by_source(np.array(["x", "x"]), bulletins, [])


@pytest.fixture
def split() -> Split:
    """Two sources of two bulletins; b of one shares text with c of the other."""
    bulletins = np.array(["a", "b", "b", "c", "d"])
    sources = np.array(["x", "x", "x", "y", "y"])
    return split_by_source(sources, bulletins, [Link(("b", "c"), ("b.0.1", "c.0.0"), 0.83)], seed=7)


def test_a_split_survives_its_file(tmp_path: Path, split: Split) -> None:
    path = tmp_path / "split.json"
    path.write_text(json.dumps(split.to_dict()), encoding="utf-8")
    again = read_split(path, split.bulletins, split.links)
    assert again.hash == split.hash
    assert again.to_dict() == split.to_dict()
    assert [f.train.tolist() for f in again.folds] == [f.train.tolist() for f in split.folds] == [[4], [0]]
    shuffled = read_split(path, split.bulletins[::-1])
    assert [set(shuffled.bulletins[f.held_out]) for f in shuffled.folds] == [{"a", "b"}, {"c", "d"}]


def test_what_a_split_says_of_itself(split: Split) -> None:
    told = split.to_dict()
    assert (told["format"], told["kind"], told["n_folds"], told["seed"]) == (1, "leave_one_source_out", 2, 7)
    assert told["folds"][0] == {"name": "x", "held_out": ["a", "b"], "set_aside": ["c"]}
    assert told["near_duplicates"]["pairs"] == [
        {"bulletins": ["b", "c"], "ids": ["b.0.1", "c.0.0"], "similarity": 0.83}
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("{", "not a split (JSONDecodeError"),
        ("[]", "not a split (TypeError"),
        ("{}", "not a split (KeyError: 'format')"),
        ('{"format": 2}', "a split of format 2, expected 1"),
        ('{"format": 1, "kind": "k", "seed": 1, "folds": [{}]}', "not a split (KeyError: 'held_out')"),
        ('{"format": 1, "kind": "k", "seed": 1, "folds": [{"held_out": [1]}]}', "not a split (TypeError: fold 1 is"),
        ('{"format": 1, "kind": "k", "seed": "x", "folds": []}', "not a split (ValueError"),
    ],
)
def test_a_file_that_is_no_split_is_told(tmp_path: Path, data: str, problem: str) -> None:
    (tmp_path / "split.json").write_text(data)
    with pytest.raises(InputError) as error:
        read_split(tmp_path / "split.json", np.array(["a"]))
    assert str(error.value).startswith(f"{tmp_path}/split.json: {problem}")
    with pytest.raises(InputError, match="no such file"):
        read_split(tmp_path / "nowhere.json", np.array(["a"]))


@pytest.mark.parametrize(
    ("folds", "problem"),
    [
        ([["a"], ["b"]], "bulletin 'c' of the data is held out in no fold"),
        ([["a", "b"], ["b", "c"]], "bulletin 'b' is held out in fold 1 and in fold 2"),
        ([["a", "b"], ["c", "z"]], "bulletin 'z' of fold 2 is not in the data"),
    ],
)
def test_a_split_of_other_data_is_refused(tmp_path: Path, folds: list[list[str]], problem: str) -> None:
    data = {"format": 1, "kind": "grouped", "seed": 1, "folds": [{"held_out": ids} for ids in folds]}
    (tmp_path / "split.json").write_text(json.dumps(data))
    with pytest.raises(CorpusError, match=problem):
        read_split(tmp_path / "split.json", np.array(["a", "b", "c"]))


@given(st.sets(st.text(min_size=1, max_size=3), min_size=1, max_size=30), st.integers(0, 5))
def test_a_smaller_share_of_the_bulletins_is_part_of_every_larger_one(names: set[str], seed: int) -> None:
    bulletins = np.array(sorted(names) * 2)
    kept = [set(bulletins[bulletins_trained_on(bulletins, share=s, seed=seed)]) for s in (0.001, 0.3, 0.7, 1.0)]
    assert kept[0] <= kept[1] <= kept[2] <= kept[3] == set(bulletins)
    n = len(set(bulletins))
    assert [len(k) for k in kept] == [1, *(max(1, -(-n * tenths // 10)) for tenths in (3, 7)), n]
