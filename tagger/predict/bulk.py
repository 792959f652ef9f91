"""Many sources through one model into one output; a failed source stops no other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from tagger.bulletins.bulletin import Bulletin
from tagger.bulletins.reading import read_bulletin
from tagger.errors import InputError, TaggerError, UsageError
from tagger.models.storage import Model
from tagger.predict import as_csv, as_html, as_json, as_label_studio
from tagger.predict.inputs import Source
from tagger.predict.outputs import open_output
from tagger.predict.records import TaggedRecord, tag_records
from tagger.predict.tagging import TaggedBulletin, tag_bulletins


@dataclass(frozen=True)
class Request:
    """What is asked for: the format and what goes into it."""

    format: str = "jsonl"
    level: str | None = None
    explain: bool = False
    text_field: str = "text"
    encoding: str | None = None

    def level_or(self, default: str) -> str:
        """The level asked for, or the format's own."""
        return self.level or default


class Writer(Protocol):
    """Writes tagged things to a stream as they come."""

    def bulletin(self, tagged: TaggedBulletin) -> None:
        """One bulletin."""

    def record(self, tagged: TaggedRecord) -> None:
        """One record."""

    def close(self) -> None:
        """What follows the last one; called when at least one source went well."""


def tag_sources(sources: Sequence[Source | InputError], model: Model, output: str | None, request: Request) -> int:
    """Tag all sources in order and write them.

    Returns
    -------
    int
        How many sources or records failed; each has been named on standard error, a
        failed record stands in the output with its ``error``.

    Raises
    ------
    OutputError
        The output cannot be written; nothing is left of it.
    UsageError
        Documents and records together in a format that cannot hold both.
    """
    _refuse_mixture(sources, request.format)
    failures = _Failures(_FATES.get(request.format, "It is left out."))
    with open_output(output) as stream:
        writer = _WRITERS[request.format](stream, model, request)
        for source in _batches(sources):
            n_written = _tag(source, model, request, writer, failures)
            failures.n_good += n_written
        if failures.n_good:
            writer.close()
        stream.flush()
    failures.summarise()
    return failures.count


#: Format -> what becomes of a bad record in it.
_FATES = {
    "jsonl": "It has an error field.", "csv": "It has an error field.", "table": "Its row has the error.",
}  # fmt: skip


class _Failures:
    """Counts what failed and says so, one line each."""

    def __init__(self, fate: str) -> None:
        self.fate = fate
        self.count = 0
        self.n_good = 0

    def add(self, error: TaggerError) -> None:
        self.count += 1
        print(f"tagger: {error}", file=sys.stderr)

    def add_record(self, tagged: TaggedRecord) -> None:
        self.count += 1
        if self.count <= 20:
            where = f"{tagged.source}:{tagged.record.line}"
            print(f"tagger: {where}: {tagged.record.error}. {self.fate}", file=sys.stderr)

    def summarise(self) -> None:
        if self.count > 1:
            print(f"tagger: {self.count} inputs or records failed, the others are done.", file=sys.stderr)


def _batches(
    sources: Sequence[Source | InputError],
) -> Iterator[list[Source | InputError] | Source]:
    """Runs of documents, which are tagged together, and files of records, one by one."""
    run: list[Source | InputError] = []
    for source in sources:
        if isinstance(source, Source) and source.is_records:
            if run:
                yield run
            run = []
            yield source
        else:
            run.append(source)
    if run:
        yield run


def _tag(
    source: list[Source | InputError] | Source, model: Model, request: Request,
    writer: Writer, failures: _Failures,
) -> int:  # fmt: skip
    if isinstance(source, list):
        return _tag_documents(source, model, request, writer, failures)
    return _tag_record_file(source, model, request, writer, failures)


def _tag_documents(
    sources: list[Source | InputError], model: Model, request: Request,
    writer: Writer, failures: _Failures,
) -> int:  # fmt: skip
    n_written = 0
    for tagged in tag_bulletins(_readable(sources, request.encoding, failures), model):
        writer.bulletin(tagged)
        n_written += 1
    return n_written


def _readable(sources: list[Source | InputError], encoding: str | None, failures: _Failures) -> Iterator[Bulletin]:
    for source in sources:
        try:
            if isinstance(source, InputError):
                raise source
            bulletin = read_bulletin(source.path, encoding=encoding)
            _refuse_json_lines(bulletin)
            yield bulletin
        except UsageError:
            raise
        except TaggerError as error:
            failures.add(error)


def _refuse_json_lines(bulletin: Bulletin) -> None:
    """Records on standard input have no suffix to tell them by; they would be tagged as one text."""
    if bulletin.source != "-" or not bulletin.original.lstrip().startswith("{"):
        return
    try:
        json.loads(bulletin.original.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return
    raise InputError("looks like JSON lines, expected a document", where="-", hint="Pass --records.")


def _tag_record_file(source: Source, model: Model, request: Request, writer: Writer, failures: _Failures) -> int:
    n_written = 0
    try:
        for tagged in tag_records(source.path, model, request.text_field, request.encoding):
            writer.record(tagged)
            n_written += 1
            if tagged.tagged is None:
                failures.add_record(tagged)
    except InputError as error:
        failures.add(error)
    return n_written


def _refuse_mixture(sources: Sequence[Source | InputError], format: str) -> None:
    kinds = {source.is_records for source in sources if isinstance(source, Source)}
    if format == "csv" and len(kinds) == 2:
        raise UsageError(
            "documents and records have different columns", where="--format csv",
            hint="Tag them in two runs, or use --format jsonl.",
        )  # fmt: skip


class _JsonLines:
    def __init__(self, stream: TextIO, model: Model, request: Request) -> None:
        self._stream, self._explain, self._ask = stream, request.explain, model.is_asking

    def bulletin(self, tagged: TaggedBulletin) -> None:
        self._stream.write(as_json.to_line(as_json.bulletin_to_dict(tagged, explain=self._explain)))

    def record(self, tagged: TaggedRecord) -> None:
        self._stream.write(as_json.to_line(as_json.record_to_dict(tagged, explain=self._explain, ask=self._ask)))

    def close(self) -> None:
        pass


class _Csv:
    def __init__(self, stream: TextIO, model: Model, request: Request) -> None:
        self._stream, self._ids = stream, model.domains.ids
        self._level = request.level_or("paragraph")
        self._explain, self._ask = request.explain, model.is_asking
        self._records = as_csv.RecordRows(self._ids, explain=request.explain, ask=model.is_asking)
        self._is_new = True

    def bulletin(self, tagged: TaggedBulletin) -> None:
        self._start(as_csv.header(self._ids, explain=self._explain, ask=self._ask))
        self._stream.write(as_csv.bulletin_rows(tagged, self._level, explain=self._explain))

    def record(self, tagged: TaggedRecord) -> None:
        self._start("")
        self._stream.write(self._records.rows(tagged))

    def _start(self, header: str) -> None:
        if self._is_new:
            self._stream.write(as_csv.BOM + header)
            self._is_new = False

    def close(self) -> None:
        pass


class _Html:
    def __init__(self, stream: TextIO, model: Model, request: Request) -> None:
        self._stream, self._model, self._explain = stream, model, request.explain
        self._is_new = True

    def bulletin(self, tagged: TaggedBulletin) -> None:
        self._start()
        self._stream.write(as_html.bulletin_section(tagged, explain=self._explain))

    def record(self, tagged: TaggedRecord) -> None:
        if tagged.tagged is not None:
            self.bulletin(tagged.tagged)

    def _start(self) -> None:
        if self._is_new:
            self._stream.write(as_html.page_start(self._model.domains, ask=self._model.is_asking))
            self._is_new = False

    def close(self) -> None:
        self._start()
        self._stream.write(as_html.page_end(f"tagger · {self._model.name} {self._model.version}"))


class _LabelStudio:
    def __init__(self, stream: TextIO, model: Model, request: Request) -> None:
        self._stream, self._level = stream, request.level_or("paragraph")
        self._separator = "[\n"

    def bulletin(self, tagged: TaggedBulletin) -> None:
        self._write(as_label_studio.tasks(tagged, self._level))

    def record(self, tagged: TaggedRecord) -> None:
        if tagged.tagged is not None:
            self._write(as_label_studio.tasks(tagged.tagged, self._level, record=tagged.record.fields))

    def _write(self, tasks: Iterator[dict[str, Any]]) -> None:
        for task in tasks:
            self._stream.write(self._separator + json.dumps(task, ensure_ascii=False))
            self._separator = ",\n"

    def close(self) -> None:
        self._stream.write("\n]\n" if self._separator == ",\n" else "[]\n")


class _Table:
    def __init__(self, stream: TextIO, model: Model, request: Request) -> None:
        from rich.console import Console

        width = None if stream.isatty() else 110
        # No markup and no emoji codes: what stands in a bulletin is shown as it stands.
        self._console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
        # By itself rich ends the process with code 1 when the reader of our output has gone.
        self._console.on_broken_pipe = _raise_broken_pipe  # type: ignore[method-assign]
        self._level, self._explain = request.level_or("measure"), request.explain
        self._text_field = request.text_field
        self._held: list[TaggedRecord] = []

    def bulletin(self, tagged: TaggedBulletin) -> None:
        from tagger.predict.as_table import print_bulletin

        self._flush()
        print_bulletin(self._console, tagged, self._level, explain=self._explain)

    def record(self, tagged: TaggedRecord) -> None:
        self._held.append(tagged)
        if len(self._held) == 200:
            self._flush()

    def _flush(self) -> None:
        from tagger.predict.as_table import print_records

        if self._held:
            print_records(self._console, self._held, self._text_field)
            self._held = []

    def close(self) -> None:
        self._flush()


def _raise_broken_pipe() -> None:
    raise BrokenPipeError


_WRITERS: dict[str, Callable[[TextIO, Model, Request], Writer]] = {
    "jsonl": _JsonLines, "csv": _Csv, "html": _Html, "label-studio": _LabelStudio, "table": _Table,
}  # fmt: skip
