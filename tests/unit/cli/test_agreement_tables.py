"""Tables of `tagger labels agreement`."""

from __future__ import annotations

import pytest

from tagger.cli.agreement_tables import _period


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("2026-03-02T08:00:09+00:00", "2026-03-09T17:30:00+00:00", "2026-03-02 – 2026-03-09"),
        ("2026-03-02T08:00:09+00:00", "2026-03-02T09:45:59+00:00", "2026-03-02 08:00 – 09:45"),
    ],
)
def test_periods_of_one_day_are_told_apart_by_their_times(first: str, last: str, shown: str) -> None:
    assert _period(first, last) == shown
