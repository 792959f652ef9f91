"""A table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagger.domains import DomainSet
from tagger.models.classifier import Evidence
from tagger.models.precedents import Precedent
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin
from tagger.predict.units import Unit, units

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: What a terminal would obey rather than show.
_CONTROL: dict[int, str | None] = {
    **dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], " "),
    **dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
}


def print_bulletin(console: Console, tagged: TaggedBulletin, level: str, *, explain: bool) -> None:
    """Print one bulletin: what it states, a row a unit, a line of totals."""
    bulletin = tagged.bulletin
    facts = [bulletin.title or bulletin.id, bulletin.date, bulletin.issuer]
    console.print(_clean(" · ".join(fact for fact in facts if fact)), style="bold", markup=False)
    table = _table("text")
    for unit in units(tagged, level):
        if not unit.noise:
            table.add_row(*_cells(tagged, unit, explain))
    console.print(table)
    console.print(_totals(tagged, level))
    console.print()


def print_records(console: Console, tagged: list[TaggedRecord], text_field: str) -> None:
    """Print a run of records, a row each."""
    table = _table(text_field)
    for record in tagged:
        text = _clean(record.record.text or str(record.record.fields.get("raw", "")))
        tags = f"error: {record.record.error}"
        if record.tagged is not None:
            whole = record.tagged.bulletin_tags
            scores = dict(zip(record.tagged.model.domains.ids, whole.scores, strict=True))
            names = record.tagged.model.domains.name
            tags = "\n".join(
                f"{_clean(names(id))}{'?' * (id in whole.ask)} {scores[id]:.2f}" for id in whole.shown
            ) or "—"  # fmt: skip
        table.add_row(str(record.record.line), tags, text)
    console.print(table)


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
    return _number(unit), _domains(tagged.model.domains, unit), text


def _number(unit: Unit) -> str:
    """Counted from 1; a sentence within its paragraph, a text outside every measure not at all."""
    if unit.kind == "sentence":
        return ".".join(str(index + 1) for index in unit.sentences[0])
    return "" if unit.kind == "text" else str(unit.index + 1)


def _domains(domains: DomainSet, unit: Unit):  # type: ignore[no-untyped-def]
    from rich.text import Text

    cell = Text("" if unit.tags.shown else "—", style="dim" if not unit.tags.shown else "")
    for i, id in enumerate(unit.tags.shown):
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
    for id in unit.tags.shown:
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
    counts = [f"{_clean(d.zh or d.id)} {sum(d.id in u.tags.domains for u in rows)}" for d in tagged.model.domains]
    if tagged.model.is_asking:
        counts.append(f"to be looked at (?) {sum(bool(u.tags.ask) for u in rows)}")
    n_noise = sum(s.noise for p in tagged.bulletin.paragraphs for s in p.sentences)
    return f"{' · '.join(counts)}  ({len(rows)} rows, {n_noise} lines of page furniture not shown)"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clean(text: str, keep: str = "") -> str:
    """Without control and direction characters: a bulletin must not steer the terminal."""
    table = {code: value for code, value in _CONTROL.items() if chr(code) not in keep}
    return " ".join(part for part in text.translate(table).split(" ") if part)
