"""A split that leaks is refused with the pair; one that does not is described."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tagger.bulletins.context import TextInContext
from tagger.corpus.duplicates import DuplicateRule, link_bulletins
from tagger.corpus.examples import Examples
from tagger.corpus.leakage import check_leakage
from tagger.corpus.splits import Fold, Split, split_by_source, split_grouped
from tagger.errors import CorpusError

_COPIED = "巡特警大队每晚七点至凌晨一点在滨河夜市开展武装步巡"
_TEXTS = [
    ("a", f"{_COPIED}。"), ("a", "特此公告。"), ("b", "户政窗口周末照常为群众办理身份证"), ("b", "特此公告。"),
    ("c", f"{_COPIED}！"), ("d", "交警在国道设卡查处酒后驾驶十一起"), ("d", "打印本页"),
]  # fmt: skip


@pytest.fixture
def examples() -> Examples:
    """Four bulletins; a and c share a sentence, a and b a formula."""
    n = len(_TEXTS)
    y_true = np.zeros((n, 2), dtype=np.int8)
    y_true[[0, 4], 0] = y_true[2, 1] = 1
    return Examples(
        [TextInContext(text) for _, text in _TEXTS], y_true, np.array([b for b, _ in _TEXTS]), np.zeros(n, dtype=int),
        np.arange(n) == 6, [f"{b}.0.{i}" for i, (b, _) in enumerate(_TEXTS)], np.array(list("xxyyyyy")),
    )  # fmt: skip


def _split(examples: Examples, *held_out: list[int]) -> Split:
    rows = np.arange(len(examples))
    folds = [Fold(f"fold {i}", np.setdiff1d(rows, held), np.array(held)) for i, held in enumerate(held_out, start=1)]
    return Split("grouped", 1, tuple(folds), examples.bulletins, tuple(link_bulletins(examples, DuplicateRule())))


def test_near_duplicates_on_both_sides_are_refused_with_the_pair(examples: Examples) -> None:
    with pytest.raises(CorpusError) as error:
        check_leakage(_split(examples, [0, 1, 2, 3], [4, 5, 6]), examples, where="split.json")
    assert str(error.value).startswith(
        "split.json: fold 1 leaks: c.0.4 is trained on and its near-duplicate a.0.0 is held out (similarity 0."
    )


def test_a_bulletin_on_both_sides_is_refused_with_two_of_its_sentences(examples: Examples) -> None:
    with pytest.raises(CorpusError, match=r"fold 1 leaks: bulletin 'b' is trained on \(b\.0\.3\) and held out \(b\."):
        check_leakage(_split(examples, [0, 1, 2, 4], [3, 5, 6]), examples)


@pytest.mark.parametrize("held_out", [[[0, 1, 4]], [[0, 1, 4], [2, 3, 5, 6], [0, 1, 4]], []])
def test_rows_that_are_held_out_never_or_twice_are_refused(examples: Examples, held_out: list[list[int]]) -> None:
    with pytest.raises(CorpusError, match="some texts are held out never or twice"):
        check_leakage(_split(examples, *held_out), examples)


def test_a_link_through_a_bulletin_that_is_set_aside_is_refused_too(examples: Examples) -> None:
    examples = replace(examples, bulletins=np.array(list("aabbcdd")))
    split = split_by_source(examples.sources, examples.bulletins, link_bulletins(examples, DuplicateRule()))
    assert split.folds[0].set_aside == ("c",)
    check_leakage(split, examples)
    opened = replace(split.folds[0], train=np.array([2, 3, 4, 5, 6]), set_aside=())
    with pytest.raises(CorpusError, match=r"x leaks: c\.0\.4 is trained on"):
        check_leakage(replace(split, folds=(opened, split.folds[1])), examples)


def test_a_sound_split_is_described(examples: Examples) -> None:
    leakage = check_leakage(_split(examples, [0, 1, 4], [2, 3, 5, 6]), examples).leakage
    first, second = leakage["folds"]
    # Fold 1 holds three sentences out, one of which is the formula; furniture does not count.
    assert (first["n_train"], first["n_held_out"], first["repeated_phrases"]) == (3, 3, round(1 / 3, 4))
    assert (second["n_train"], second["n_held_out"]) == (3, 3)
    assert leakage["repeated_phrases"] == round(1 / 3, 4)
    assert (leakage["label_drift"], leakage["label_drift_column"]) == (round(2 / 3, 4), 0)
    # {0}: 2/3 against none; {1}: none against 1/3; {}: 1/3 against 2/3.
    assert leakage["label_set_drift"] == round(2 / 3, 4)
    assert (leakage["same_bulletin"], leakage["near_duplicates"]) == (0, 0)


def test_the_grouped_split_of_the_same_examples_does_not_leak(examples: Examples) -> None:
    links = link_bulletins(examples, DuplicateRule())
    for seed in range(4):
        check_leakage(split_grouped(examples.y_true, examples.bulletins, links, n_folds=3, seed=seed), examples)
