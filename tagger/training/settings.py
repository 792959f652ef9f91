"""Plain data made into dataclasses, part by part, with an error that names the part where it does not fit."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from tagger.errors import UsageError, did_you_mean
from tagger.training.model_config import MODELS

_Settings = TypeVar("_Settings")


def build(cls: type[_Settings], data: Any, path: str = "") -> _Settings:
    """Make a dataclass of plain data, part by part; anything unexpected is a `UsageError`.

    Parameters
    ----------
    cls : dataclass
    data : Any
        A dict with some of its fields.
    path : str
        Dotted name of the part, for errors.

    Raises
    ------
    UsageError
        Not a dict, a field that `cls` does not have, or a value of another type; it names the part.
    """
    if not isinstance(data, dict):
        raise UsageError(f"found {data!r}, expected settings", where=path or "configuration")
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in data:
        if key not in known:
            raise UsageError(
                f"unknown setting {key!r}", where=path or "configuration",
                hint=did_you_mean(str(key), list(known)),
            )  # fmt: skip
    hints = typing.get_type_hints(cls)
    return cls(**{k: _value(hints[k], v, f"{path}.{k}".lstrip(".")) for k, v in data.items()})


def _value(hint: Any, value: Any, path: str) -> Any:
    if path == "model":
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in MODELS:
            raise UsageError(f"model kind {kind!r}", where=path, hint=did_you_mean(str(kind), list(MODELS)))
        return build(MODELS[kind], value, path)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, path)
    return _plain(hint, value, path)


def _plain(hint: Any, value: Any, path: str) -> Any:
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in allowed:
        if kind is Any:
            return value
        if typing.get_origin(kind) is list and isinstance(value, list):
            return [_plain(typing.get_args(kind)[0], part, path) for part in value]
        if typing.get_origin(kind) is dict and isinstance(value, dict):
            return {str(name): _value(typing.get_args(kind)[1], part, f"{path}.{name}") for name, part in value.items()}
        if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if isinstance(kind, type) and type(value) is kind:
            return value
    names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
    raise UsageError(f"found {value!r}, expected {names}", where=path)
