"""Near-duplicates: found exactly, and bulletins joined by copied text but not by formulas."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.bulletins.context import TextInContext
from tagger.corpus.duplicates import DuplicateRule, Link, components, group_bulletins, link_bulletins, near_duplicates
from tagger.corpus.examples import Examples

_LONG = "巡特警大队每晚七点至凌晨一点在滨河夜市开展武装步巡"


def make_examples(*texts: tuple[str, str], noise: Iterable[int] = ()) -> Examples:
    """Examples of (bulletin, text); no labels."""
    n = len(texts)
    return Examples(
        [TextInContext(text) for _, text in texts], np.zeros((n, 1), dtype=np.int8), np.array([b for b, _ in texts]),
        np.arange(n), np.isin(np.arange(n), list(noise)), [f"{b}.0.{i}" for i, (b, _) in enumerate(texts)],
    )  # fmt: skip


def _groups(examples: Examples, rule: DuplicateRule | None = None) -> list[str]:
    names = np.unique(examples.bulletins)
    return group_bulletins(names, link_bulletins(examples, rule or DuplicateRule())).tolist()


def test_nearly_the_same_is_found_and_its_similarity_is_exact() -> None:
    texts = [f"{_LONG}，盘查可疑人员", "别的什么也没有写在这里", f"{_LONG}，劝导群众"]
    pairs = near_duplicates(texts, threshold=0.5)
    one, other = ({t[i : i + 5] for i in range(len(t) - 4)} for t in (texts[0], texts[2]))
    assert pairs == [(0, 2, len(one & other) / len(one | other))]
    assert near_duplicates(texts, threshold=0.95) == []


def test_a_copied_sentence_joins_two_bulletins() -> None:
    examples = make_examples(("a", f"{_LONG}。"), ("b", "完全不同的另外一句话在这里。"), ("c", f"{_LONG}！"))
    (link,) = link_bulletins(examples, DuplicateRule())
    assert (link.bulletins, link.ids) == (("a", "c"), ("a.0.0", "c.0.2"))
    assert 0.7 <= link.similarity < 1
    assert _groups(examples) == ["a", "b", "a"]


def test_identical_alone_is_a_rule_too() -> None:
    examples = make_examples(("a", f"{_LONG}。"), ("b", f"{_LONG}！"), ("c", f"{_LONG}。"))
    assert _groups(examples, DuplicateRule(similarity=1, whole=1)) == ["a", "b", "a"]


def test_a_short_formula_joins_nothing() -> None:
    own = ("东城大队辅警张某捡到钱包归还失主", "西郊派出所连续三年调解宅基地纠纷", "民警雨夜把迷路的老人送回家中")
    rows = [(name, text) for name, line in zip("abc", own, strict=True) for text in (line, "二、存在的问题")]
    assert _groups(make_examples(*rows)) == ["a", "b", "c"]
    assert _groups(make_examples(*rows), DuplicateRule(min_chars=5)) == ["a", "a", "a"]


def test_a_set_phrase_of_many_bulletins_joins_nothing_but_copies_of_whole_bulletins_do() -> None:
    own = ["".join(chr(0x4E00 + 60 * i + k) for k in range(60)) for i in range(8)]
    rows = [(f"b{i}", text) for i, line in enumerate(own) for text in (f"{line}。", f"{_LONG}。")]
    assert _groups(make_examples(*rows)) == [f"b{i}" for i in range(8)]
    assert len(set(_groups(make_examples(*rows[:10])))) == 1  # of five bulletins only: copied
    copies = [(f"b{i}", f"{_LONG}。") for i in range(8)]
    assert len(set(_groups(make_examples(*copies)))) == 1


def test_page_furniture_joins_nothing() -> None:
    examples = make_examples(("a", f"{_LONG}。"), ("b", f"{_LONG}。"), noise=[0, 1])
    assert link_bulletins(examples, DuplicateRule()) == []


def test_one_bulletin_may_repeat_itself() -> None:
    assert link_bulletins(make_examples(("a", _LONG), ("a", _LONG)), DuplicateRule()) == []


def test_links_chain() -> None:
    links = [Link(("a", "b"), ("", ""), 1.0), Link(("b", "d"), ("", ""), 1.0)]
    assert group_bulletins(np.array(["d", "c", "b", "a"]), links).tolist() == ["a", "c", "a", "a"]


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(
    st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20))))  # fmt: skip
def test_components_are_the_connected_parts(graph: tuple[int, list[tuple[int, int]]]) -> None:
    n, edges = graph
    found = components(range(n), edges)
    assert sorted(node for part in found for node in part) == list(range(n))
    part_of = {node: i for i, part in enumerate(found) for node in part}
    assert all(part_of[a] == part_of[b] for a, b in edges)
    # Nothing more is joined than the edges join: each part has a spanning walk.
    for part in found:
        reached, fresh = {part[0]}, {part[0]}
        while fresh:
            fresh = {b for e in edges for a, b in (e, e[::-1]) if a in fresh} - reached
            reached |= fresh
        assert reached == set(part)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_texts_changes_nothing(order: int) -> None:
    rows = [("a", f"{_LONG}。"), ("b", "无关"), ("c", f"{_LONG}！"), ("d", f"{_LONG}；")]
    assert _groups(make_examples(*rows[::order])) == ["a", "b", "a", "a"]
