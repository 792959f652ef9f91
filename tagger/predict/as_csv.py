"""Rows for spreadsheets: UTF-8 with a byte order mark, and no cell that is run as a formula."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from tagger.predict.as_json import best_evidence, own_names, record_to_dict
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin
from tagger.predict.units import units

BOM = "\ufeff"
#: What makes a spreadsheet run a cell (OWASP, "CSV Injection"), full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
#: A signed number is shown as what it is.
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*%?")
_UNIT_FIELDS = (
    "id", "source", "title", "date", "issuer", "unit", "paragraph", "index", "start", "end", "text", "noise",
)  # fmt: skip


def header(ids: Sequence[str], *, explain: bool = False, ask: bool = False) -> str:
    """The header line for rows of bulletins; with a column ``ask`` for those of an asking model."""
    return line([
        *_UNIT_FIELDS, "domains", *_if(ask, "ask"), *(f"score_{id}" for id in ids), *_if(explain, "evidence"),
    ])  # fmt: skip


def bulletin_rows(tagged: TaggedBulletin, level: str, *, explain: bool = False) -> str:
    """Rows of one bulletin, a unit of `level` each."""
    bulletin = tagged.bulletin
    return "".join(
        line([
            bulletin.id, bulletin.source, bulletin.title, bulletin.date, bulletin.issuer,
            unit.kind, unit.sentences[0][0], unit.index, unit.start, unit.end, bulletin.original[unit.start:unit.end],
            int(unit.noise), ";".join(unit.tags.domains), *_if(tagged.model.is_asking, ";".join(unit.tags.ask)),
            *(f"{s:.4f}" for s in unit.tags.scores),
            *([_plain(best_evidence(tagged, unit.sentences))] if explain else []),
        ])
        for unit in units(tagged, level)
    )  # fmt: skip


class RecordRows:
    """Rows of records: their own columns first, then the tags.

    The columns are those of the first record (of the header, for CSV); what a later
    record has beyond them goes, as JSON, into the column ``more``, so that nothing is lost.
    """

    def __init__(self, ids: Sequence[str], *, explain: bool = False, ask: bool = False) -> None:
        self._ids, self._explain, self._ask = ids, explain, ask
        self._own: list[str] | None = None

    def rows(self, tagged: TaggedRecord) -> str:
        """The row of one record, the header before the first."""
        record, tags = tagged.record, record_to_dict(tagged, explain=self._explain, ask=self._ask)
        text = ""
        if self._own is None:
            self._own = list(tagged.fieldnames or record.fields)
            text = self._header(self._own)
        scores = tags["scores"] if tagged.tagged else {}
        ask = tags["ask"] if self._ask and tagged.tagged else ()  # else a field of the record's own
        columns = frozenset(self._own)  # a record may have thousands of fields
        evidence = _plain(tags["evidence"]) if self._explain and tagged.tagged else ""
        more = {name: value for name, value in record.fields.items() if name not in columns}
        return text + line([
            *(_plain(record.fields.get(name, "")) for name in self._own),
            ";".join(tags["domains"] if tagged.tagged else ()),
            *_if(self._ask, ";".join(ask)),
            *(scores.get(id, "") for id in self._ids), *_if(self._explain, evidence),
            record.error, record.line if record.error else "", _plain(more) if more else "",
        ])  # fmt: skip

    def _header(self, own: Sequence[str]) -> str:
        """Own columns that are called like ours are called ``input_...``."""
        scores = (f"score_{id}" for id in self._ids)
        ours = ["domains", *_if(self._ask, "ask"), *scores, *_if(self._explain, "evidence"), "error", "line", "more"]
        return line([*own_names(own, ours), *ours])


def _if(asked: bool, cell: Any) -> tuple[Any, ...]:
    return (cell,) if asked else ()


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def line(cells: Sequence[Any]) -> str:
    """One row of cells, safe for spreadsheets; write `BOM` before the first."""
    out = io.StringIO()
    csv.writer(out).writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it."""
    if not isinstance(cell, str):
        return cell
    cell = cell.encode("utf-8", "replace").decode("utf-8")
    if _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.lstrip(" \u3000\xa0\ufeff").startswith(_FORMULA) else cell
