"""Labelled texts of any origin: what a row of a file must hold, and rows put together as bulletins.

Readers (`tagger.corpus.tables`, `tagger.corpus.datasets`) give rows; here a row becomes a
`LabelledRecord`, and records become `LabelledBulletin`, the form that the authored corpus has too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from tagger.corpus.authored import LabelledBulletin, LabelledSentence
from tagger.corpus.labels import LabelNames
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError, TaggerError

#: What is done with a problem: raised, or collected and the row left out.
Report = Callable[[TaggerError], None]
#: Where a line that was pulled from Label Studio names its task. No setting: the name is the project's own.
UID = "uid"
_LONGEST_SHOWN = 60
_MOST_SHOWN = 20


def refuse(problem: TaggerError) -> None:
    """Raise a problem: the way of all that trains."""
    raise problem


@dataclass(frozen=True)
class Fields:
    """How a data set calls what a labelled text has.

    Attributes
    ----------
    text : str
        The sentence, or whatever unit is labelled.
    labels : str
        A list of labels, or one string of them with separators.
    bulletin : str or None
        The document that the text belongs to: the group of every split.
    paragraph : str or None
        What sentences of one paragraph have in common.
    source : str or None
        Where the bulletin comes from, for ``split=leave_one_source_out``.
    """

    text: str = "text"
    labels: str = "domains"
    bulletin: str | None = "bulletin"
    paragraph: str | None = "paragraph"
    source: str | None = "source"

    @property
    def names(self) -> list[str]:
        """The columns that are read."""
        own = (self.text, self.labels, self.bulletin, self.paragraph, self.source, UID)
        return list(dict.fromkeys(name for name in own if name))


class Row(NamedTuple):
    """One row of a file: where it stands, its number from 1, and what it holds."""

    where: str
    number: int
    fields: Any


@dataclass(frozen=True)
class LabelledRecord:
    """One labelled text, its labels as the file calls them; `uid` names the task it was labelled in, "" for none."""

    where: str
    number: int
    text: str
    labels: tuple[str, ...]
    bulletin: str
    paragraph: Hashable = 0
    source: str = ""
    uid: str = ""


def records_from_rows(
    rows: Iterable[Row], fields: Fields, *, separator: str | None = None, report: Report = refuse,
    setting: str = "",
) -> Iterator[LabelledRecord]:  # fmt: skip
    """Rows as labelled texts, in order.

    Parameters
    ----------
    rows : iterable of Row
    fields : Fields
        A row without a bulletin is a bulletin of one text.
    separator : str, optional
        What parts the labels within a string; without it they must be a list.
    report : callable
        Is given what is wrong with a row, which is then left out.
    setting : str, optional
        The setting under which a person may name the fields, such as ``data.fields``; where a
        field is missing, it is told. Without it the names are given.
    """
    for row in rows:
        try:
            yield _record(row, fields, separator, setting)
        except TaggerError as problem:
            report(problem)


def _record(row: Row, fields: Fields, separator: str | None, setting: str) -> LabelledRecord:
    _check_fields(row, fields, setting)
    text, labels = row.fields[fields.text], row.fields[fields.labels]
    if not isinstance(text, str) or not text.strip():
        raise InputError("found an empty text, expected a sentence", where=row.where)
    bulletin = _scalar(row, fields.bulletin)
    paragraph, uid = _scalar(row, fields.paragraph), row.fields.get(UID)
    return LabelledRecord(
        row.where, row.number, _sound(row, text), tuple(_labels(row, fields.labels, labels, separator)),
        str(row.number) if bulletin in (None, "") else _sound(row, str(bulletin)),
        0 if paragraph is None else paragraph, _sound(row, str(_scalar(row, fields.source) or "")),
        _sound(row, uid) if isinstance(uid, str) else "",
    )  # fmt: skip


def _check_fields(row: Row, fields: Fields, setting: str) -> None:
    """An `InputError` for a row that is no record, or that lacks its text or its labels."""
    expected = f'Expected {{"{fields.text}": "...", "{fields.labels}": [...]}}'
    if not isinstance(row.fields, dict):
        raise InputError(f"found {_shown(row.fields)}, expected a labelled record", where=row.where,
                         hint=f"{expected}.")  # fmt: skip
    for role, name in (("text", fields.text), ("labels", fields.labels)):
        if name not in row.fields:
            found = ", ".join(map(_shown, list(row.fields)[:_MOST_SHOWN])) or "none"
            raise InputError(
                f"no field {name!r} in it, found {found}", where=row.where,
                hint=f"{setting}.{role}=NAME tells what it is called." if setting else f"{expected}.",
            )  # fmt: skip


def _scalar(row: Row, name: str | None) -> Any:
    value = row.fields.get(name) if name else None
    if isinstance(value, (list, dict)):
        raise InputError(f"found {name} {_shown(value)}, expected a name or a number", where=row.where)
    return value


def _sound(row: Row, text: str) -> str:
    """The text, if it can be written down at all: JSON may hold half a character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("found half a character (a lone surrogate), expected text", where=row.where) from None
    return text


def _labels(row: Row, name: str, labels: Any, separator: str | None) -> list[str]:
    if isinstance(labels, str) and separator:
        labels = [part.strip() for part in labels.split(separator) if part.strip()]
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError(
            f"found {name} {_shown(labels)}, expected a list of domain ids", where=row.where,
            hint="[] stands for none.",
        )  # fmt: skip
    return list(dict.fromkeys(_sound(row, label) for label in labels))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def bulletins_from_records(
    records: Iterable[LabelledRecord], domains: DomainSet, *, report: Report = refuse
) -> list[LabelledBulletin]:
    """Texts put together as bulletins, their labels as domain ids.

    Parameters
    ----------
    records : iterable of LabelledRecord
        Those of one bulletin stand together, in page order.
    domains : DomainSet
        A label is a domain's id, or its Chinese or English name.
    report : callable
        Is given a label that is no domain (`CorpusError`), a bulletin in two places, a
        bulletin of two sources.

    Returns
    -------
    list of LabelledBulletin
        In the order of the records; ``header["source"]`` is their source.
    """
    names = LabelNames(domains)
    found: dict[str, LabelledBulletin] = {}
    for id, group in groupby(records, key=lambda record: record.bulletin):
        rows = list(group)
        problem = _misplaced(rows, found)
        if problem:
            report(problem)
            continue
        paragraphs = [list(part) for _, part in groupby(rows, key=lambda record: record.paragraph)]
        sentences = (tuple(_sentences(part, names, domains, report)) for part in paragraphs)
        found[id] = LabelledBulletin(id, {"source": rows[0].source}, tuple(filter(None, sentences)))
    return [bulletin for bulletin in found.values() if bulletin.paragraphs]


def _misplaced(rows: list[LabelledRecord], found: dict[str, LabelledBulletin]) -> CorpusError | None:
    first = rows[0]
    if first.bulletin in found:
        return CorpusError(
            f"bulletin {first.bulletin!r} begins a second time", where=first.where,
            hint="Lines of one bulletin must stand together.",
        )  # fmt: skip
    other = next((row for row in rows if row.source != first.source), None)
    return other and CorpusError(
        f"bulletin {first.bulletin!r} has the sources {first.source!r} and {other.source!r}", where=other.where,
        hint="A bulletin has one source; data.fields.source=null reads none.",
    )  # fmt: skip


def _sentences(
    records: list[LabelledRecord], names: LabelNames, domains: DomainSet, report: Report
) -> Iterator[LabelledSentence]:
    for record in records:
        try:
            ids = {names(label) for label in record.labels}
        except CorpusError as error:
            report(CorpusError(error.message, where=record.where, hint=error.hint))
            continue
        yield LabelledSentence(record.text, tuple(sorted(ids, key=domains.column)), line=record.number, uid=record.uid)
