"""Settings as a person types them, made readable to Hydra."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BEFORE_QUOTE = re.compile(r"(\\*)('|$)")


def readable_overrides(overrides: Sequence[str]) -> list[str]:
    """Overrides with quotes where Hydra's grammar needs them.

    It knows no Chinese, no ``~``, ``#``, brackets or a second ``=`` in a plain value: ``data.path=通报.csv``
    is no override to it, ``data.path='通报.csv'`` is. What it can read stays as it is, and so does what
    quotes do not mend.
    """
    return [_readable(override) for override in overrides]


def _readable(override: str) -> str:
    if _is_read(override):
        return override
    key, equals, value = override.partition("=")
    # Backslashes are escapes before a quote alone, the closing one too.
    escaped = _BEFORE_QUOTE.sub(lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value)
    quoted = f"{key}='{escaped}'"
    return quoted if equals and value and _is_read(quoted) else override


def _is_read(override: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True
