"""`tagger predict`: tag bulletins and records."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tagger.errors import UsageError


class Format(StrEnum):
    """Output formats."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"
    html = "html"
    label_studio = "label-studio"


class Level(StrEnum):
    """What a row is."""

    measure = "measure"
    paragraph = "paragraph"
    sentence = "sentence"


_BY_SUFFIX = {".jsonl": Format.jsonl, ".csv": Format.csv, ".html": Format.html, ".htm": Format.html,
              ".json": Format.label_studio, ".txt": Format.table}  # fmt: skip


def predict(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for standard input.")
    ],
    format: Annotated[
        Format | None, typer.Option(help="Default: by the output's suffix; a table on a terminal; else jsonl.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File to write; default: standard output.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A name that ships (see tagger models list), a model folder, or a run folder.")
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(help="Rows of table, csv and label-studio. Default: measure; csv, label-studio: paragraph."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what carried each tag; label-studio and tables of records do not.")
    ] = False,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Answer yes, no, or ask a person: domains are what is sure, ask what is not."),
    ] = False,
    threshold: Annotated[
        float | None, typer.Option(help="One threshold in (0, 1) for all domains, in place of the model's own.")
    ] = None,
    text_field: Annotated[str, typer.Option(help="The field or column of records that holds the text.")] = "text",
    records: Annotated[
        bool, typer.Option("--records", help="Standard input holds records: JSON lines or CSV.")
    ] = False,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text, HTML and records; default: recognised.")
    ] = None,
) -> None:
    """Tag bulletins (txt, html, docx, pdf) and records (jsonl, csv).

    Each bulletin is cut into paragraphs, measures and sentences; page furniture is kept
    but never tagged. Records come out once each, in order, with their own fields.

    Examples:

      tagger predict bulletin.txt

      tagger predict pages/ --format html -o report.html

      tagger predict posts.jsonl --text-field body -o tagged.jsonl
    """
    from tagger.cli.options import check_model, check_threshold
    from tagger.models.storage import DEFAULT, load_model
    from tagger.predict.bulk import Request, tag_sources
    from tagger.predict.inputs import Source, find_sources
    from tagger.predict.outputs import refuse_inputs

    check_threshold(threshold)
    _check_ask(ask, threshold)
    check_model(model)
    sources = find_sources(inputs, stdin_records=records)
    refuse_inputs(output, [s.path for s in sources if isinstance(s, Source)])
    chosen = format or _default_format(output)
    request = Request(
        format=chosen.value, level=level.value if level else None, explain=explain,
        text_field=text_field, encoding=encoding,
    )  # fmt: skip
    opened = load_model(model or DEFAULT).with_threshold(threshold)
    n_failed = tag_sources(sources, opened.asking() if ask else opened, output, request)
    if n_failed:
        raise typer.Exit(3)


def _check_ask(ask: bool, threshold: float | None) -> None:
    if ask and threshold is not None:
        raise UsageError(
            "found with --threshold, but it answers by the model's own two bounds", where="--ask",
            hint="Leave one of them out.",
        )  # fmt: skip


def _default_format(output: str | None) -> Format:
    if output and output != "-":
        return _format_of(Path(output))
    return Format.table if sys.stdout.isatty() else Format.jsonl


def _format_of(output: Path) -> Format:
    suffix = output.suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if output.exists() and not output.is_file():  # a device or a pipe
        return Format.jsonl
    raise UsageError(
        f"no format for the suffix {suffix!r}, known are {', '.join(_BY_SUFFIX)}", where=f"--output {output}",
        hint="Choose one of them or pass --format.",
    )  # fmt: skip
