"""Where the project's own data stand: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from tagger.errors import UsageError


def project_path(name: str) -> Path:
    """The path of ``conf`` or of something in ``labels``.

    Raises
    ------
    UsageError
        This installation does not carry it.
    """
    package = Path(__file__).parent
    # What is bundled first: beside an installed package stand other packages, some called conf.
    for root in (package / "bundled", package.parent):
        if (root / name).exists():
            return root / name
    raise UsageError(f"this installation has no {name}", hint="Give its path, or work in a checkout of tagger.")
