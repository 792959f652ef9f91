"""Windows of clauses lie within the text, in order, and cover its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.models.clauses import clause_windows

LONG = "强化值守,查处违停,走访商户;调解纠纷,发放传单。"


def _texts(text: str, size: int = 2) -> list[str]:
    return [text[start:end] for start, end in clause_windows(text, size)]


def test_neighbouring_clauses_stand_together() -> None:
    assert _texts(LONG) == ["强化值守,查处违停", "查处违停,走访商户", "走访商户;调解纠纷", "调解纠纷,发放传单"]


@pytest.mark.parametrize("text", ["", "。", "查处违停", "查处违停,发放传单。"])
def test_a_short_text_is_one_window(text: str) -> None:
    assert _texts(text) == [text]


def test_the_size_counts_clauses() -> None:
    assert _texts(LONG, 1) == ["强化值守", "查处违停", "走访商户", "调解纠纷", "发放传单"]
    assert len(_texts(LONG, 4)) == 2


@given(st.text(alphabet="警民车,;。 :", max_size=60), st.integers(1, 4))
def test_windows_are_in_order_and_hold_every_clause(text: str, size: int) -> None:
    windows = clause_windows(text, size)
    assert windows == sorted(windows)
    assert all(0 <= start <= end <= len(text) for start, end in windows)
    covered = {i for start, end in windows for i in range(start, end)}
    assert {i for i, char in enumerate(text) if char in "警民车"} <= covered
