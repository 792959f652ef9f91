"""Whether an extra is installed, told by looking for its library, not by importing it."""

from __future__ import annotations

from importlib.util import find_spec

from tagger.errors import MissingExtraError

#: extra -> library that only it installs.
EXTRAS = {"train": "hydra", "bert": "torch", "label": "label_studio_sdk", "serve": "fastapi"}


def require(library: str, extra: str, need: str) -> None:
    """A `MissingExtraError` unless a library is installed."""
    if find_spec(library) is None:
        raise MissingExtraError(library, extra, need)
