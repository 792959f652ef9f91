"""What options that several commands share must hold; a breach is a `UsageError`."""

from __future__ import annotations

from tagger.errors import UsageError


def check_threshold(threshold: float | None) -> None:
    """A threshold lies strictly between 0 and 1."""
    if threshold is not None and not 0 < threshold < 1:
        raise UsageError(f"found {threshold:g}, expected a number between 0 and 1", where="--threshold")


def check_model(name: str | None, where: str = "--model") -> None:
    """A model has a name; an empty one (an unset variable) would stand for the working folder."""
    if name is not None and not name.strip():
        raise UsageError("found an empty name, expected a model", where=where, hint="See tagger models list.")
