"""A table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tagger.domains import DomainSet
from tagger.models.classifier import Evidence
from tagger.models.precedents import Precedent
from tagger.models.storage import Model
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin, Tags
from tagger.predict.units import Unit, units

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: What a terminal would obey rather than show.
_CONTROL: dict[int, str | None] = {
    **dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], " "),
    **dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
}
#: With more domains than this, the totals leave out those that no row has.
_MOST_TOTALS = 8


def print_bulletin(console: Console, tagged: TaggedBulletin, level: str, *, explain: bool) -> None:
    """Print one bulletin: what it states, a row a unit, a line of totals."""
    bulletin = tagged.bulletin
    facts = [bulletin.title or bulletin.id, bulletin.date, bulletin.issuer]
    console.print(_clean(" · ".join(fact for fact in facts if fact)), style="bold", markup=False)
    _print_always_asked(console, tagged.model)
    table = _table("text")
    for unit in units(tagged, level):
        if not unit.noise:
            table.add_row(*_cells(tagged, unit, explain))
    console.print(table)
    console.print(_totals(tagged, level))
    console.print()


def print_records(console: Console, tagged: list[TaggedRecord], text_field: str) -> None:
    """Print a run of records, a row each."""
    model = next((record.tagged.model for record in tagged if record.tagged is not None), None)
    if model is not None:
        _print_always_asked(console, model)
    table = _table(text_field)
    for record in tagged:
        text = _clean(record.record.text or str(record.record.fields.get("raw", "")))
        tags = f"error: {record.record.error}"
        if record.tagged is not None:
            whole = record.tagged.bulletin_tags
            scores = dict(zip(record.tagged.model.domains.ids, whole.scores, strict=True))
            names = record.tagged.model.domains.name
            tags = "\n".join(
                f"{_clean(names(id))}{'?' * (id in whole.ask)} {scores[id]:.2f}"
                for id in _shown(whole, record.tagged.model)
            ) or "—"  # fmt: skip
        table.add_row(str(record.record.line), tags, text)
    console.print(table)


def _always_asked(model: Model) -> tuple[str, ...]:
    """Ids of the domains that an asking model answers neither yes nor no, whatever the score."""
    if not model.is_asking or model.selective is None:
        return ()
    low, high = model.selective.bounds.T
    return tuple(model.domains.ids[column] for column in np.flatnonzero((low == 0) & np.isinf(high)))


def _print_always_asked(console: Console, model: Model) -> None:
    """Said once: a question in every row tells nobody where to look."""
    if ids := _always_asked(model):
        names = "、".join(_clean(model.domains.name(id)) for id in ids)
        console.print(f"asked about in every row, and not marked below: {names}", style="italic", markup=False)


def _shown(tags: Tags, model: Model) -> tuple[str, ...]:
    """The tags, then what is asked about this text rather than about every one."""
    always = _always_asked(model)
    return tuple(id for id in tags.shown if id in tags.domains or id not in always)


def _table(text_name: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=True)
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    table.add_column("domains", no_wrap=True)
    table.add_column(text_name, ratio=1)
    return table


def _cells(tagged: TaggedBulletin, unit: Unit, explain: bool):  # type: ignore[no-untyped-def]
    from rich.text import Text

    text = Text(_clean(_shortened(tagged.bulletin.original[unit.start : unit.end], 96)))
    if explain:
        text.append(_evidence(tagged, unit), style="dim italic")
    return _number(unit), _domains(tagged.model, unit), text


def _number(unit: Unit) -> str:
    """Counted from 1; a sentence within its paragraph, a text outside every measure not at all."""
    if unit.kind == "sentence":
        return ".".join(str(index + 1) for index in unit.sentences[0])
    return "" if unit.kind == "text" else str(unit.index + 1)


def _domains(model: Model, unit: Unit):  # type: ignore[no-untyped-def]
    from rich.text import Text

    domains, shown = model.domains, _shown(unit.tags, model)
    cell = Text("" if shown else "—", style="" if shown else "dim")
    for i, id in enumerate(shown):
        domain = domains[domains.column(id)]
        score = unit.tags.scores[domains.column(id)]
        cell.append("\n" if i else "")
        # What a person is asked has its mark, for those who see no bold.
        mark, style = ("?", "italic") if id in unit.tags.ask else ("", "bold")
        cell.append(_clean(domains.name(id)) + mark, style=f"{style} {domain.color}")
        cell.append(f" {score:.2f}", style="dim")
    return cell


def _evidence(tagged: TaggedBulletin, unit: Unit) -> str:
    """For each tag or question: the strongest n-grams of the sentence that carries it best, and a precedent."""
    lines = []
    for id in _shown(unit.tags, tagged.model):
        place = tagged.best_place(id, unit.sentences)
        lines.append(f"{tagged.model.domains.name(id)}: " + " ".join(map(_piece, tagged.explain(*place, id, limit=4))))
        found = [_like(precedent, tagged.model.domains) for precedent in tagged.precedents(*place, limit=1)]
        lines += [line for line in found if line not in lines]
    return _clean("".join(f"\n{line}" for line in lines), keep="\n")


def _like(precedent: Precedent, domains: DomainSet) -> str:
    labels = ", ".join(map(domains.name, precedent.domains)) or "—"
    return f"≈ {precedent.similarity:.2f} [{labels}] {_shortened(precedent.text, 60)}"


def _piece(evidence: Evidence) -> str:
    """An n-gram with its weight, and where it stood unless that is the sentence itself."""
    place = "" if evidence.field == "text" else f" ({evidence.field})"
    return f"{evidence.ngram}{place} {evidence.weight:+.2f}"


def _totals(tagged: TaggedBulletin, level: str) -> str:
    rows = [unit for unit in units(tagged, level) if not unit.noise]
    ids = tagged.model.domains.ids
    found = {id: sum(id in unit.tags.domains for unit in rows) for id in ids}
    shown = {id: n for id, n in found.items() if n or len(ids) <= _MOST_TOTALS}
    counts = [f"{_clean(tagged.model.domains.name(id))} {n}" for id, n in shown.items()] or ["no tags"]
    if tagged.model.is_asking:
        always = set(_always_asked(tagged.model))
        counts.append(f"to be looked at (?) {sum(bool(set(unit.tags.ask) - always) for unit in rows)}")
    n_noise = sum(s.noise for p in tagged.bulletin.paragraphs for s in p.sentences)
    return f"{' · '.join(counts)}  ({len(rows)} rows, {n_noise} lines of page furniture not shown)"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clean(text: str, keep: str = "") -> str:
    """Without control and direction characters: a bulletin must not steer the terminal."""
    table = {code: value for code, value in _CONTROL.items() if chr(code) not in keep}
    return " ".join(part for part in text.translate(table).split(" ") if part)
