"""The process that minds a retraining: ``python -m tagger.service.minder JOB.json``.

It runs the job's commands one after the other at a low priority, so that predictions go on
beside it, keeps what they print with every secret struck out, and writes how it ended. It lives
no longer than the service: when its standard input closes, by whatever death, it ends its command
and itself, so that no training is left behind that nobody waits for. Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tagger.service.state import write_json

#: Environment variables whose values must never be kept.
SECRETS = ("LABEL_STUDIO_API_KEY", "TAGGER_BASIC_AUTH", "HF_TOKEN")
_NICENESS = 10


def main() -> None:
    """Run the job that the argument names."""
    path = Path(sys.argv[1])
    job = json.loads(path.read_text(encoding="utf-8"))
    with contextlib.suppress(AttributeError, OSError):  # not on Windows
        os.nice(_NICENESS)
    minder = _Minder()
    threading.Thread(target=minder.end_with_parent, daemon=True).start()
    with _alone(path.parent), Path(job["log"]).open("a", encoding="utf-8") as log:
        write_json(Path(job["result"]), minder.run(job["commands"], log))


class _Minder:
    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._is_over = False
        self._lock = threading.Lock()

    def end_with_parent(self) -> None:
        """Wait until standard input closes, then end everything."""
        # Not by sys.stdin: its lock, held by this thread, would abort Python's own end.
        while os.read(0, 1024):
            pass
        with self._lock:
            self._is_over = True
            if self._child is not None:
                _end_group(self._child)
        os._exit(1)

    def run(self, commands: Sequence[Sequence[str]], log: TextIO) -> dict[str, Any]:
        """How the commands ended: ``{"outcome": "done"}``, or ``failed`` with the last line of the one that failed."""
        for command in commands:
            log.write(f"$ {' '.join(command)}\n")
            code, last_line = self._run_one(command, log)
            if code:
                return {"outcome": "failed", "message": last_line or f"ended with code {code}", "code": code}
        return {"outcome": "done", "message": ""}

    def _run_one(self, command: Sequence[str], log: TextIO) -> tuple[int, str]:
        with self._lock:
            if self._is_over:
                os._exit(1)
            # A session of its own: the terminal's Ctrl-C is for the service, which then ends us.
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, encoding="utf-8", errors="replace", start_new_session=True,
            )  # fmt: skip
        last_line = ""
        assert self._child.stdout is not None
        for line in _scrubbed(self._child.stdout):
            log.write(line)
            log.flush()
            last_line = line.strip() or last_line
        return self._child.wait(), last_line[:500]


def _scrubbed(lines: TextIO) -> Iterator[str]:
    secrets = [value for name in SECRETS if len(value := os.environ.get(name, "")) >= 4]
    for line in lines:
        for secret in secrets:
            line = line.replace(secret, "***")
        yield line


def _end_group(child: subprocess.Popen[str]) -> None:
    """End a command with all that it started; what it has written so far stays, to go on from."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One minder a folder: after a crash of the service the old one may be dying still."""
    with (folder / ".training.lock").open("w") as file:
        with contextlib.suppress(ImportError):  # not on Windows
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
