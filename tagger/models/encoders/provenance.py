"""What an encoder folder says of itself in ``provenance.json``: where it is from, and checksums of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagger.errors import ModelError, OutputError

FILE = "provenance.json"
_AGAIN = "Get it again with `tagger encoders get`."


def sha256(path: Path) -> str:
    """The checksum of a file, 64 hexadecimal digits; the file is not held in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_provenance(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write what is known of a folder with the checksum of every file in it.

    Parameters
    ----------
    folder : Path
        Complete but for this file.
    facts : mapping
        JSON-ready: ``name``, ``source``, ``licence`` and whatever else is known.

    Returns
    -------
    dict
        The facts with ``files``: name -> sha256.
    """
    provenance = {**facts, "files": {name: sha256(folder / name) for name in _file_names(folder)}}
    text = json.dumps(provenance, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    return provenance


def check_provenance(folder: Path) -> dict[str, Any]:
    """Read it and compare every file with its checksum.

    Raises
    ------
    ModelError
        It cannot be read, or names a file that is missing or changed.
    """
    provenance = _read(folder)
    for name, expected in sorted(provenance["files"].items()):
        path = folder / name
        if not path.is_file():
            raise ModelError("missing", where=path, hint=_AGAIN)
        if sha256(path) != expected:
            raise ModelError("damaged, its checksum is not the one of provenance.json", where=path, hint=_AGAIN)
    return provenance


def is_encoder_folder(folder: Path) -> bool:
    """Whether a folder was written by us: its provenance lists whatever else is in it."""
    try:
        return set(_file_names(folder)) <= set(_read(folder)["files"])
    except (ModelError, OSError):
        return False


def refuse_foreign(folder: Path) -> None:
    """An `OutputError` if an encoder may not be written here: the place holds something else."""
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and not is_encoder_folder(folder):
        raise OutputError("holds something that is not an encoder of ours", where=folder, hint="Choose another folder.")


def _read(folder: Path) -> dict[str, Any]:
    try:
        provenance = json.loads((folder / FILE).read_text(encoding="utf-8"))
        names = provenance["files"]
        if not all(Path(name).name == name and isinstance(value, str) for name, value in names.items()):
            raise ValueError("files must be name and checksum")
        return provenance
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = type(error).__name__
        raise ModelError(f"no readable provenance ({found})", where=folder / FILE, hint=_AGAIN) from None


def _file_names(folder: Path) -> list[str]:
    """Every file below a folder but its provenance; ours have none in folders of theirs."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    return sorted(path.relative_to(folder).as_posix() for path in paths)
