"""What the user named, as an ordered list of sources: files, folders, globs, ``-``."""

from __future__ import annotations

import glob
import os.path
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.bulletins.reading import FORMATS
from tagger.errors import InputError

RECORD_SUFFIXES = (".jsonl", ".csv")


@dataclass(frozen=True)
class Source:
    """One input: a document, or a file of records."""

    path: str
    is_records: bool


def find_sources(inputs: Sequence[str], *, stdin_records: bool = False) -> list[Source | InputError]:
    """Expand folders and globs, in order; each source once.

    Parameters
    ----------
    inputs : sequence of str
        Paths, globs, folders (walked; hidden files and unknown types in them are passed over)
        or ``-`` for standard input.
    stdin_records : bool
        Whether standard input holds records rather than a document.

    Returns
    -------
    list of Source or InputError
        An error stands in the place of an input that names nothing.
    """
    found: dict[str, Source | InputError] = {}
    for name in inputs:
        for source in _expand(name, stdin_records):
            key = source.path if isinstance(source, Source) else name
            found.setdefault(key if key == "-" else str(Path(key).absolute()), source)
    return list(found.values())


def _expand(name: str, stdin_records: bool) -> Iterable[Source | InputError]:
    if name == "-":
        return [Source("-", stdin_records)]
    path = Path(name)
    # Unlike Path.is_dir and Path.exists, never an error of its own (a name too long).
    if os.path.isdir(path):
        return _in_folder(path)
    if not os.path.exists(path) and glob.has_magic(name):
        matches = [Path(match) for match in sorted(glob.glob(name, recursive=True)) if not _is_lock(match)]
        files = [s for p in matches for s in (_in_folder(p) if p.is_dir() else [_source(p)])]
        return files or [InputError("no file matches", where=name)]
    return [_source(path)]


def _in_folder(folder: Path) -> list[Source | InputError]:
    known = (*FORMATS, *RECORD_SUFFIXES)
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in known and os.path.isfile(p))
    visible = [p for p in paths if not _is_lock(p) and not _is_hidden(p.relative_to(folder))]
    if not visible:
        return [InputError(f"no file of a known type ({', '.join(known)}) in it", where=folder)]
    return [_source(p) for p in visible]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_lock(path: str | Path) -> bool:
    """Whether Word keeps it beside a document that is open (``~$...``); it holds no text."""
    return os.path.basename(path).startswith("~$")


def _source(path: Path) -> Source:
    return Source(str(path), path.suffix.lower() in RECORD_SUFFIXES)
