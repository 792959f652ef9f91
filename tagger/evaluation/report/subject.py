"""What a report is about: the runs, which of them are drawn, and the figures that several sections need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.errors import UsageError
from tagger.evaluation.agreement import Agreement
from tagger.evaluation.figures.style import MAX_SERIES
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.evaluation.report.blocks import Span
from tagger.evaluation.report.words import Words
from tagger.evaluation.runs import Run, group_runs, same_domains, share_of
from tagger.evaluation.scores import Scores

#: Evidence of a run for sentences and the columns of their domains: a list of spans for each.
Explain = Callable[[Run, Sequence[tuple[str, int]]], list[tuple[Span, ...]]]


@dataclass(frozen=True)
class Subject:
    """The runs of a report.

    Attributes
    ----------
    runs : list of Run
        All with scores of `part`; at least one.
    part : {"out_of_fold", "test"}
    words : Words
    agreement : Agreement or None
    explain : callable or None
        Where evidence comes from, see `Explain`.
    n_errors : int
        How many errors of a kind the gallery shows in a domain.
    """

    runs: list[Run]
    part: str
    words: Words
    agreement: Agreement | None = None
    explain: Explain | None = None
    n_errors: int = 5

    @cached_property
    def domains(self) -> DomainSet:
        """The domains of all runs."""
        return same_domains(self.runs)

    @cached_property
    def names(self) -> list[str]:
        """What the domains are called."""
        return [self.words.domain(domain) for domain in self.domains]

    @cached_property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Name of a run -> its figures by sentence, with ``interval_95``."""
        return {run.name: measure(self.scores(run), self.domains.ids) for run in self.runs}

    @cached_property
    def drawn(self) -> list[Run]:
        """The runs in the plots: of each configuration one, the best configurations first.

        Of runs that differ in their seed or their share of the data it is the one with the
        largest share, and of those the first.
        """
        groups = group_runs(self.runs, apart_from=("seed", "output", "data.share"))
        chosen = [max(group, key=share_of) for group in groups]
        chosen.sort(key=lambda run: -self.figures[run.name]["f1_micro"])
        return chosen[:MAX_SERIES]

    def scores(self, run: Run) -> Scores:
        """The scores that the report is of.

        Raises
        ------
        UsageError
            The run has none.
        """
        found = run.scores(self.part)
        if found is None:
            raise UsageError("has no test scores", where=run.path, hint="Train with data.test=FILE, or drop --test.")
        return found


def measure(scores: Scores, ids: Sequence[str]) -> dict[str, Any]:
    """`tagger.evaluation.metrics.score` of scores, with ``interval_95``."""
    y_pred = scores.y_pred
    return {
        **score(scores.y_true, y_pred, ids),
        "interval_95": bootstrap_interval(scores.y_true, y_pred, scores.bulletins),
    }


def with_interval(figures: dict[str, Any], name: str) -> str:
    """0.909 [0.899, 0.919]."""
    low, high = figures["interval_95"][name]
    return f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]"


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "—" if value is None or not np.isfinite(value) else f"{value:,.{digits}f}"
