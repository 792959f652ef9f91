"""What a request is answered with: the lines that `tagger predict --format jsonl` writes, and its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tagger.bulletins.bulletin import Bulletin, parse_bulletin
from tagger.bulletins.limits import LIMITS
from tagger.bulletins.reading import read_document
from tagger.errors import InputError, LimitError, UsageError
from tagger.models.storage import Model
from tagger.predict.as_html import bulletin_section, page_end, page_start
from tagger.predict.as_json import bulletin_to_dict, record_to_dict, to_line
from tagger.predict.inputs import RECORD_SUFFIXES
from tagger.predict.records import tag_records
from tagger.predict.tagging import tag_bulletin


@dataclass(frozen=True)
class Options:
    """What may be asked of every prediction; see `tagger predict --help`."""

    explain: bool = False
    threshold: float | None = None
    text_field: str = "text"
    encoding: str | None = None

    def apply(self, model: Model) -> Model:
        """The model with the threshold that was asked for.

        Raises
        ------
        UsageError
            A threshold that is not between 0 and 1.
        """
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise UsageError(f"found {self.threshold:g}, expected a number between 0 and 1", where="threshold")
        return model.with_threshold(self.threshold)


def is_records(name: str) -> bool:
    """Whether a file of this name holds records."""
    return name.lower().endswith(RECORD_SUFFIXES)


def base_name(name: str | None) -> str:
    """The name of an uploaded file without the folders that some clients send; only ever shown."""
    return PurePosixPath((name or "").replace("\\", "/")).name


def bulletin_of_text(text: str, id: str) -> Bulletin:
    """A bulletin that came as text.

    Raises
    ------
    InputError
        It is blank, or longer than a document may be.
    """
    if not text.strip():
        raise InputError("empty, there is no text in it", where="text")
    if len(text) > LIMITS.max_chars:
        raise LimitError(f"more than {LIMITS.max_chars} characters of text", where="text")
    # A lone surrogate, which JSON can carry and UTF-8 cannot.
    return parse_bulletin(text.encode("utf-8", "replace").decode("utf-8"), id=id)


def bulletin_of_file(data: bytes, name: str, encoding: str | None = None) -> Bulletin:
    """A bulletin that came as a file; documents are opened in the process of their own."""
    return read_document(data, name, encoding=encoding)


def bulletin_line(bulletin: Bulletin, model: Model, options: Options) -> str:
    """The JSON line of one bulletin."""
    return to_line(bulletin_to_dict(tag_bulletin(bulletin, options.apply(model)), explain=options.explain))


def page(bulletin: Bulletin, model: Model) -> str:
    """The section of an HTML page that shows one bulletin."""
    return bulletin_section(tag_bulletin(bulletin, model))


def page_frame(model: Model) -> tuple[str, str]:
    """What stands before and after such sections."""
    return page_start(model.domains), page_end(f"tagger · {model.name} {model.version}")


def record_lines(path: Path, name: str, model: Model, options: Options) -> Iterator[str]:
    """The JSON line of each record of a file, in order; `name` is what its user calls it."""
    try:
        for tagged in tag_records(str(path), options.apply(model), options.text_field, options.encoding):
            yield to_line(record_to_dict(tagged, explain=options.explain))
    except InputError as error:
        raise type(error)(error.message, where=name, hint=error.hint) from None


def write_records(folder: Path, records: Iterable[dict[str, Any]]) -> Path:
    """Records that came as JSON, as a file that `tagger predict` would read."""
    path = folder / "records.jsonl"
    path.write_text("".join(map(to_line, records)), encoding="utf-8")
    return path
