"""The form of a Label Studio task: what prediction writes, labelling pushes and pulls, and the service answers in.

A core room: imports nothing of the project. The names below are the ones that
`tagger.labelling.interface` gives to the controls of the labelling interface.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

#: Control tags of the interface: the paragraph's domains, "none of them", and marked passages.
DOMAINS, NONE, SPANS = "domains", "none", "spans"
#: The object tag that all three belong to, and the field of ``data`` that it shows.
TEXT = "text"
#: The one choice of the control `NONE`: a person (or a model) says that no domain applies.
NO_DOMAIN = "none"
#: Fields of ``data`` that only the labelling room writes; a push never takes them for a change of the bulletin.
OWN_FIELDS = ("note", "recheck", "earlier", "restored")


def task_uid(bulletin: str, unit: str, place: str | int) -> str:
    """The stable id of a task: where its text stands, and never the path that it was read from.

    Parameters
    ----------
    bulletin : str
        The bulletin's id.
    unit : str
        What the text is: ``paragraph``, ``sentence``, ``measure``, ``text``.
    place : str or int
        Its index among the units of its kind in the bulletin.
    """
    return f"{bulletin}:{unit}:{place}"


def choices(domains: Sequence[str]) -> dict[str, Any]:
    """The result that ticks some domains, or "none of them" for an empty sequence."""
    name, values = (DOMAINS, list(domains)) if domains else (NONE, [NO_DOMAIN])
    return {"from_name": name, "to_name": TEXT, "type": "choices", "value": {"choices": values}}


def span(start: int, end: int, text: str, domains: Sequence[str]) -> dict[str, Any]:
    """The result that marks a passage, ``text[start:end]`` in code points of the task's text."""
    value = {"start": start, "end": end, "text": text, "labels": list(domains)}
    return {"from_name": SPANS, "to_name": TEXT, "type": "labels", "value": value}


def certainty(scores: Iterable[float], thresholds: Iterable[float]) -> float:
    """How far the most doubtful domain's score is from its threshold.

    Label Studio's uncertainty sampling serves the lowest score first, so this is the score
    of a prediction.

    Parameters
    ----------
    scores : iterable of float
        One a domain, in [0, 1].
    thresholds : iterable of float
        One a domain, in (0, 1).

    Returns
    -------
    float
        In [0, 1], rounded to four places: 0 at a threshold, 1 where every score is 0 or 1.
    """
    p, t = np.asarray(list(scores), dtype=float), np.asarray(list(thresholds), dtype=float)
    room = np.where(p >= t, 1 - t, t)
    return round(float(np.min(np.abs(p - t) / room, initial=1.0)), 4)
