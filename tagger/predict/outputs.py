"""Where results go: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from tagger.errors import OutputError, UsageError

_ERRORS = "backslashreplace"


@contextmanager
def open_output(path: str | None) -> Iterator[TextIO]:
    """A text stream for results, UTF-8, newlines as written.

    What UTF-8 cannot hold (a file name of other bytes) is written as ``\\udcff``.

    A file is written beside its place and renamed when the block ends well; when it
    does not, or when nothing was written, the place stays as it was.

    Raises
    ------
    OutputError
        The file cannot be created or written.
    """
    if path is None or path == "-":
        yield _stdout()
        return
    target = Path(path)
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        yield from _special(target)
        return
    yield from _replaced(target)


def refuse_inputs(output: str | None, inputs: Sequence[str]) -> None:
    """A `UsageError` if the output is one of the inputs."""
    if output is None or output == "-":
        return
    for path in inputs:
        if path != "-" and (Path(path).resolve() == Path(output).resolve() or _same(path, output)):
            raise UsageError(
                "is also an input; it would be overwritten", where=f"--output {output}",
                hint="Choose another name.",
            )  # fmt: skip


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _stdout() -> TextIO:
    with suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(encoding="utf-8", errors=_ERRORS, newline="")  # type: ignore[union-attr]
    return sys.stdout


def _special(target: Path) -> Iterator[TextIO]:
    """A device or pipe is written straight away; a folder is refused."""
    if target.is_dir():
        raise OutputError("is a folder", where=target, hint="Give a file name.")
    try:
        with target.open("w", encoding="utf-8", errors=_ERRORS, newline="") as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=target) from None


def _replaced(target: Path) -> Iterator[TextIO]:
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror})", where=target,
            hint="Nothing was written.",
        ) from None  # fmt: skip
    try:
        with open(handle, "w", encoding="utf-8", errors=_ERRORS, newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            is_empty = file.tell() == 0
        if not is_empty:
            os.chmod(temporary, _mode_for(target))
            os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=target) from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _mode_for(target: Path) -> int:
    """The mode that the file had, or that an ordinary new file gets."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
