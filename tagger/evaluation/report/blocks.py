"""What a report is made of, whatever it is written as. All texts are plain: writers escape them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Note:
    """A paragraph; `lead` is a finding, to be seen first."""

    text: str
    lead: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first `n_text` columns of them text, the others numbers.

    A cell of `strong` (row, column) is the best of its column. A table with a title is folded away.
    """

    head: list[str]
    rows: list[list[str]]
    n_text: int = 1
    strong: frozenset[tuple[int, int]] = frozenset()
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """A plot, its file name without a suffix, and what it shows in words."""

    name: str
    figure: Figure
    alt: str


@dataclass(frozen=True)
class Span:
    """A piece of a text that speaks for (positive weight) or against a domain; half-open, in code points."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class ErrorCase:
    """A sentence that a model errs on, with the evidence for the tag in question."""

    id: str
    text: str
    facts: str
    spans: tuple[Span, ...] = ()

    def pieces(self) -> Iterator[tuple[str, float]]:
        """The text cut where evidence begins and ends, each piece with its weight, 0 for none.

        Where pieces of evidence overlap, the heavier one counts.
        """
        weights = [0.0] * len(self.text)
        for span in sorted(self.spans, key=lambda s: abs(s.weight)):
            for i in range(max(0, span.start), min(span.end, len(weights))):
                weights[i] = span.weight
        start = 0
        for end in range(1, len(weights) + 1):
            if end == len(weights) or weights[end] != weights[start]:
                yield self.text[start:end], weights[start]
                start = end


@dataclass(frozen=True)
class Gallery:
    """Errors of one kind in one domain, folded away until asked for."""

    title: str
    cases: list[ErrorCase]


@dataclass(frozen=True)
class Details:
    """Something long that is folded away."""

    title: str
    text: str


Block = Note | Heading | Table | Picture | Gallery | Details


@dataclass(frozen=True)
class Section:
    """A part of the report with an anchor."""

    key: str
    title: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """The whole."""

    lang: str
    title: str
    contents: str
    sections: list[Section]
