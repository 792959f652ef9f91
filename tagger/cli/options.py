"""What options that several commands share must hold; a breach is a `UsageError`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from tagger.errors import UsageError


def check_threshold(threshold: float | None) -> None:
    """A threshold lies strictly between 0 and 1."""
    if threshold is not None and not 0 < threshold < 1:
        raise UsageError(f"found {threshold:g}, expected a number between 0 and 1", where="--threshold")


def check_model(name: str | None, where: str = "--model") -> None:
    """A model has a name; an empty one (an unset variable) would stand for the working folder."""
    if name is not None and not name.strip():
        raise UsageError("found an empty name, expected a model", where=where, hint="See tagger models list.")


def refuse_options(settings: Sequence[str], command: str, *, known: Sequence[str]) -> None:
    """A `UsageError` for what stands among KEY=VALUE settings and looks like an option."""
    unknown = next((setting for setting in settings if setting.startswith("-")), None)
    if unknown is not None:
        close = difflib.get_close_matches(unknown, known, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"See {command} --help."
        raise UsageError(f"no such option {unknown}", where=command, hint=hint)
