"""Units on which annotators differ: as rows of a file, and as a review queue with all opinions in view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.labelling.coefficients import masi_distance
from tagger.labelling.opinions import Opinions, Unit
from tagger.labelling.review_queue import ReviewQueue, ReviewTask, make_queue


@dataclass(frozen=True)
class Disagreement:
    """One unit that annotators label differently.

    Attributes
    ----------
    unit : Unit
    opinions : tuple of (str, tuple of str)
        Every annotator who labelled it, with the domain ids given.
    disputed : tuple of str
        Domain ids that some gave and others did not.
    distance : float
        Mean MASI distance between the annotators' sets, in (0, 1].
    """

    unit: Unit
    opinions: tuple[tuple[str, tuple[str, ...]], ...]
    disputed: tuple[str, ...]
    distance: float

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready line."""
        unit = self.unit
        return {
            "uid": unit.uid, "bulletin": unit.bulletin, "paragraph": unit.paragraph, "sentence": unit.sentence,
            "disputed": list(self.disputed), "distance": round(self.distance, 4),
            "opinions": {name: list(domains) for name, domains in self.opinions}, "text": unit.text,
        }  # fmt: skip


def find_disagreements(people: Opinions) -> list[Disagreement]:
    """Units that two or more label differently, the farthest apart first."""
    found = [_disagreement(people, unit) for unit in np.flatnonzero(_is_disputed(people).any(axis=1))]
    return sorted(found, key=lambda d: -d.distance)


def _is_disputed(people: Opinions) -> np.ndarray:
    """Where some said yes and some no: bool, shape (n_units, n_domains)."""
    return (people.labels == 1).any(axis=0) & (people.labels == 0).any(axis=0)


def _disagreement(people: Opinions, unit: int) -> Disagreement:
    rows = np.flatnonzero(people.given[:, unit])
    labels = people.labels[rows, unit]
    opinions = tuple(zip((people.annotators[i] for i in rows), people.domains.decode(labels), strict=True))
    apart = [masi_distance(a, b) for i, a in enumerate(labels) for b in labels[:i]]
    disputed = labels.any(axis=0) & ~labels.all(axis=0)
    names = people.domains.decode(disputed[None])[0]
    return Disagreement(people.units[unit], opinions, names, float(np.mean(apart)))


def review_queue(disagreements: Sequence[Disagreement], domains: DomainSet, *, title: str = "标注分歧") -> ReviewQueue:
    """The disagreements as a queue; the sentences of one task are looked at together.

    Each annotator's opinion becomes a prediction under the name ``opinion of NAME``, so that a
    reviewer sees them side by side and can start from either. The note is for people who label, in
    the language of the labelling interface and by the names that it shows.
    """
    names = domains.shown_names
    by_task: dict[str, list[Disagreement]] = {}
    for disagreement in disagreements:
        by_task.setdefault(disagreement.unit.uid, []).append(disagreement)
    return make_queue(title, (_task(uid, rows, names) for uid, rows in by_task.items()))


def _task(uid: str, rows: list[Disagreement], names: Mapping[str, str]) -> ReviewTask:
    opinions: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, domains in row.opinions:
            opinions.setdefault(name, {}).update(dict.fromkeys(domains))
    disputed = dict.fromkeys(domain for row in rows for domain in row.disputed)
    note = f"有分歧：{_named(disputed, names)}。" + "；".join(_said(rows[0], names))
    named = tuple((f"opinion of {name}", tuple(domains)) for name, domains in opinions.items())
    return ReviewTask(uid, max(row.distance for row in rows), note, named)


def _said(row: Disagreement, names: Mapping[str, str]) -> Iterator[str]:
    for name, domains in row.opinions:
        yield f"{name}：{_named(domains, names) or '以上都不属于'}"


def _named(domains: Iterable[str], names: Mapping[str, str]) -> str:
    return "、".join(names[id] for id in domains)


#: Columns of the file for spreadsheets; each annotator's opinion follows, a column a name.
COLUMNS = ("uid", "bulletin", "paragraph", "sentence", "disputed", "distance", "text")


def table_rows(disagreements: Sequence[Disagreement], annotators: Sequence[str]) -> Iterator[list[Any]]:
    """Header and rows for a spreadsheet; a dash is "no domain", an empty cell "not labelled"."""
    yield [*COLUMNS, *annotators]
    for d in disagreements:
        said = dict(d.opinions)
        place = [d.unit.uid, d.unit.bulletin, d.unit.paragraph, "" if d.unit.sentence is None else d.unit.sentence]
        cells = [";".join(said[name]) or "—" if name in said else "" for name in annotators]
        yield [*place, ";".join(d.disputed), round(d.distance, 4), d.unit.text, *cells]
