"""The text files of a run folder: JSON, JSON lines and YAML of bounded size, with errors that name the place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tagger.errors import InputError, LimitError

_MAX_BYTES = 512 * 2**20


def read_text(path: Path) -> str:
    """A file of UTF-8 text; an `InputError` or a `LimitError` names it."""
    try:
        if (size := path.stat().st_size) > _MAX_BYTES:
            raise LimitError(f"{size:,} bytes, expected at most {_MAX_BYTES:,}", where=path)
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError("is missing", where=path, hint="The run folder is not whole; train again.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=path) from None


def parse_json(text: str, where: object) -> Any:
    """JSON of any kind; an `InputError` names where."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({error})", where=where, hint="The run folder is damaged; train again.") from None


def as_dict(data: Any, where: object) -> dict[str, Any]:
    """A JSON object; an `InputError` of anything else."""
    if not isinstance(data, dict):
        raise InputError(f"found a {type(data).__name__}, expected an object", where=where)
    return data


def read_json(path: Path) -> dict[str, Any]:
    """A file that holds a JSON object."""
    return as_dict(parse_json(read_text(path), path), path)


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file that are not blank, each with ``path:number``."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield line, f"{path}:{number}"


def read_config(path: Path) -> dict[str, Any]:
    """A YAML mapping of plain values, without tags or aliases."""
    import yaml

    class Loader(yaml.SafeLoader):
        """No aliases: a few lines of them would unfold to a billion values."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("an alias, expected plain values")
            return super().compose_node(parent, index)

    try:
        data = yaml.load(read_text(path), Loader)  # a SafeLoader: it makes plain values alone
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"not a configuration ({' '.join(str(error).split())})", where=path) from None
    return as_dict(data, path)
