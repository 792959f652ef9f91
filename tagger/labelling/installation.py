"""The local server's program: installed from a lock into an environment of its own, whole or not at all.

Its requirements clash with ours, hence the environment. One cannot be moved once it is made, so
it is made in its place, and a file that is written last says that it is whole, and of which lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tagger.errors import LabellingError
from tagger.project import project_path

_log = logging.getLogger(__name__)
_WHOLE = "installed"


def install(environment: Path, *, in_use: bool = False) -> str:
    """The server's program, installed now unless it is there and of this lock.

    However often and from wherever it is asked for at once, one installs and the others wait;
    what was cut off is made anew.

    Parameters
    ----------
    environment : Path
        Folder of the environment; ``install.log`` beside it has what pip says.
    in_use : bool
        A server runs from it: one of another lock is then not taken away from under it.

    Raises
    ------
    LabellingError
        pip fails, or it is in use and of another lock.
    """
    environment = environment.absolute()
    lock = project_path("labels/label-studio.lock")
    environment.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_whole(environment, lock):
        with alone(environment) as held:
            if not _is_whole(environment, lock):
                if in_use and environment.exists():
                    raise LabellingError(
                        "the server that runs from it is not of the version that this tagger brings",
                        where=environment, hint="Run tagger labels down first.",
                    )  # fmt: skip
                _make(environment, lock, held)
    return str(_program(environment))


def installed(environment: Path) -> str | None:
    """The server's program as it is, of whichever lock; None where none was installed whole."""
    program = _program(environment.absolute())
    return str(program) if program.exists() and (environment / _WHOLE).exists() else None


@contextmanager
def alone(folder: Path) -> Iterator[int]:
    """Hold a folder, by a lock beside it; gives the descriptor that holds it.

    Commands that work in it inherit the descriptor: one that outlives us, when we alone are
    killed, is waited for, since it would go on to write into what the next one makes.
    """
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("%s: another command is making it; waiting for its end.", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _program(environment: Path) -> Path:
    return environment / "bin" / "label-studio"


def _is_whole(environment: Path, lock: Path) -> bool:
    """Whether all of this lock is in it, and the Python that it was made with still there."""
    try:
        of = (environment / _WHOLE).read_text(encoding="ascii")
    except (OSError, ValueError):
        return False
    return of == _key(lock) and _program(environment).exists() and (environment / "bin" / "python").exists()


def _key(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _make(environment: Path, lock: Path, held: int) -> None:
    _log.warning("Installing Label Studio into %s; this takes some minutes, once.", environment)
    shutil.rmtree(environment, ignore_errors=True)
    python = str(environment / "bin" / "python")
    with (environment.parent / "install.log").open("wb") as log:
        for command in (
            (sys.executable, "-m", "venv", str(environment)),
            (python, "-m", "pip", "install", "--disable-pip-version-check", "-r", str(lock)),
        ):
            _run(command, log, held)
    marker = environment / f"{_WHOLE}.new"
    marker.write_text(_key(lock), encoding="ascii")
    os.replace(marker, environment / _WHOLE)


def _run(command: tuple[str, ...], log: IO[bytes], held: int) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(held,), check=False)
    if done.returncode:
        raise LabellingError("Label Studio could not be installed", where=log.name, hint="Its end says why.")
