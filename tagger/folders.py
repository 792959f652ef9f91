"""Folders that are there whole or not at all, and the one where things are kept for next time.

A core room: imports only `tagger.errors`.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tagger.errors import OutputError

_Filled = TypeVar("_Filled")
#: In the names of folders that are being filled, and of those that are being replaced.
_NEW, _OLD = ".new-", ".old"
#: AT_FDCWD and RENAME_EXCHANGE of the kernel.
_HERE, _EXCHANGE = -100, 2


def replace_folder(
    folder: Path, fill: Callable[[Path], _Filled], *, keep: Callable[[Path], bool] = lambda _: False
) -> _Filled:
    """Fill a folder beside its place, then swap it in.

    A reader sees the old folder or the new, never a part of one (and on systems that cannot
    exchange two folders, for a moment none). What a killed process left of the same place is
    removed. Behind a symbolic link, what it points at is replaced.

    Parameters
    ----------
    folder : Path
        The place; what is there goes. Check before that it may.
    fill : callable
        Writes into the empty folder that it is given; what it returns is returned.
    keep : callable, optional
        Asked about the place just before the swap: what is there may stay, as when another
        process has come first and is reading it.

    Raises
    ------
    OutputError
        The folder cannot be written; what was there stays.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _tidy(folder)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}{_NEW}", dir=folder.parent))
        lock = _lock(temporary)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=folder) from None
    try:
        filled = fill(temporary)
        if not keep(folder):
            temporary.chmod(0o755)
            _sync(temporary)
            _swap_in(temporary, folder)
        return filled
    except OutputError as error:
        if not error.where.startswith(str(temporary)):
            raise
        # People know the place, not what it is called while it is being filled.
        raise OutputError(error.message, where=folder, hint=error.hint) from None
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=folder) from None
    finally:
        _remove(temporary)
        os.close(lock)


def _lock(folder: Path) -> int:
    """Hold a folder, by a lock that ends with this process however it ends; gives what to close."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _tidy(folder: Path) -> None:
    """Remove, or put back, what processes left that were killed while they replaced a folder."""
    pattern = re.compile(rf"\.{re.escape(folder.name)}{re.escape(_NEW)}\w{{8}}({re.escape(_OLD)})?")
    for left in [path for path in folder.parent.iterdir() if pattern.fullmatch(path.name)]:
        try:
            lock = _lock(left)
        except OSError:  # somebody is at work in it
            continue
        if left.name.endswith(_OLD) and not folder.exists():
            os.rename(left, folder)
        else:
            _remove(left)
        os.close(lock)


def _swap_in(temporary: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(temporary, folder)
        return
    if _exchange(temporary, folder):
        return  # what was there is the temporary one now, and goes
    retired = temporary.with_name(f"{temporary.name}{_OLD}")
    os.rename(folder, retired)
    try:
        os.rename(temporary, folder)
    except OSError:
        os.rename(retired, folder)
        raise
    # The new folder is in its place: what cannot be removed of the old one is no failure.
    _remove(retired)


def _remove(path: Path) -> None:
    """A folder with all that is in it, or the file that was in a folder's place; what cannot go stays."""
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):  # most often there is nothing left
        path.unlink()


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, where the system can (renameat2 of Linux); whether it did."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):
        return False
    return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def user_cache() -> Path:
    """Where the user's things are kept for next time: ``$TAGGER_CACHE``, or the platform's folder for such."""
    home = Path.home()
    platform = {
        "win32": os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local",
        "darwin": home / "Library" / "Caches",
    }.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return Path(os.environ.get("TAGGER_CACHE") or Path(platform) / "tagger")
