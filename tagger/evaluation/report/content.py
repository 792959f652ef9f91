"""From runs to a report: which sections there are, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from tagger.errors import UsageError
from tagger.evaluation.agreement import Agreement
from tagger.evaluation.figures.style import drawing
from tagger.evaluation.report.blocks import Note, Report, Section
from tagger.evaluation.report.by_domain import (
    describe_confusions,
    describe_domains,
    describe_precision_recall,
    describe_reliability,
)
from tagger.evaluation.report.choices import (
    describe_cost,
    describe_learning,
    describe_review,
    describe_thresholds,
    describe_training,
)
from tagger.evaluation.report.gallery import describe_errors
from tagger.evaluation.report.overview import (
    describe_comparison,
    describe_overview,
    describe_provenance,
    describe_seeds,
)
from tagger.evaluation.report.subject import Explain, Subject
from tagger.evaluation.report.words import Words
from tagger.evaluation.runs import Run
from tagger.evaluation.typeface import missing_glyphs

_SECTIONS = (
    describe_overview, describe_comparison, describe_seeds, describe_domains, describe_precision_recall,
    describe_reliability, describe_confusions, describe_learning, describe_thresholds, describe_review, describe_cost,
    describe_training, describe_errors, describe_provenance,
)  # fmt: skip


def build_report(
    runs: Sequence[Run], *, lang: str = "zh", part: str = "out_of_fold", agreement: Agreement | None = None,
    explain: Explain | None = None, n_errors: int = 5,
) -> Report:  # fmt: skip
    """Compute and draw everything that a report on runs holds.

    Parameters
    ----------
    runs : sequence of Run
        One or more, on the same domains.
    lang : {"zh", "en"}, default="zh"
    part : {"out_of_fold", "test"}
        The scores that it is of.
    agreement : Agreement, optional
        People's agreement, drawn as the ceiling.
    explain : callable, optional
        Gives the evidence for tags, see `tagger.evaluation.report.subject.Explain`.
    n_errors : int, default=5
        Errors shown of each kind in each domain; 0 leaves the gallery out.

    Raises
    ------
    UsageError
        There is no run, or one without test scores.
    InputError
        The runs are on other domains, or a file of a run is damaged.
    """
    if not runs:
        raise UsageError("no runs, expected at least one", where="report", hint="Give run folders.")
    subject = Subject(list(runs), part, Words(lang), agreement, explain, n_errors)
    with drawing():
        found = [describe(subject) for describe in _SECTIONS if len(runs) > 1 or describe is not describe_comparison]
    sections = [section for section in found if section]
    if missing := missing_glyphs("".join([*subject.names, *(run.name for run in runs)])):
        sections[0] = _with_warning(sections[0], subject, missing)
    return Report(lang, subject.words("title"), subject.words("contents"), sections)


def _with_warning(section: Section, subject: Subject, missing: list[str]) -> Section:
    """What the plots cannot draw is said where it is seen first."""
    found = subject.words.list([f"{c} U+{ord(c):04X}" for c in missing])
    return Section(section.key, section.title, [Note(subject.words("missing_glyphs", found=found)), *section.blocks])
