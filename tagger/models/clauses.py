"""Windows of neighbouring clauses: what a long run-on sentence says in one place.

Bulletins tuck a measure into one clause of many; over the whole sentence its n-grams
are diluted. Scoring short windows and keeping the highest score undoes that.
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"[^,;:。!?]+")


def clause_windows(text: str, size: int = 2) -> list[tuple[int, int]]:
    """Spans of every run of `size` neighbouring clauses of a normalised text.

    Parameters
    ----------
    text : str
        Normalised, "" included.
    size : int, default=2
        Clauses in a window, at least 1.

    Returns
    -------
    list of (int, int)
        Half-open code-point spans in order; the whole text where it has no more than
        `size` clauses.
    """
    clauses = [m.span() for m in _CLAUSE.finditer(text) if m.group().strip()]
    if len(clauses) <= size:
        return [(0, len(text))]
    return [(clauses[i][0], clauses[i + size - 1][1]) for i in range(len(clauses) - size + 1)]
