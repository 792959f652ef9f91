"""The near end of the worker process: start, ask, time out, start again."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tagger import errors
from tagger.bulletins.limits import LIMITS, Limits


class Extractor:
    """Extracts text from documents in a bounded process of its own.

    One process serves many documents; it is started on first use, and started again
    after a document has crashed it or run out of time. Safe to share between threads.
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        atexit.register(self.close)

    def extract(self, format: str, data: bytes) -> dict[str, Any]:
        """Text and facts (``text, title, date, issuer``) of a document; for HTML also ``links``.

        Parameters
        ----------
        format : {"html", "docx", "pdf"}
        data : bytes
            For HTML, UTF-8.

        Raises
        ------
        DocumentError, LimitError
            Without ``where``, which the caller knows.
        """
        with self._lock, tempfile.TemporaryDirectory(prefix="tagger-") as folder:
            path = Path(folder, "document")
            path.write_bytes(data)
            return _checked(self._ask({"format": format, "path": str(path)}))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):  # a request that never left
                        stream.close()
            self._process = None

    def _ask(self, request: dict[str, str]) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died this moment: its answer has no end
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        line = self._read_line(process)
        if line is None:
            self.close()
            raise errors.LimitError(f"took longer than {self._limits.seconds:g} s to read")
        if not line.endswith(b"\n"):
            self.close()
            raise errors.DocumentError("crashed the reader; the document is damaged or hostile")
        return json.loads(line)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tagger.bulletins.worker", json.dumps(asdict(self._limits))],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip
        return self._process

    def _read_line(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """One line of the answer; None when time is up, an unended line when the process died."""
        assert process.stdout is not None
        is_late = threading.Event()

        def stop() -> None:
            is_late.set()
            process.kill()

        # A timer, since Windows cannot wait for a pipe with a time limit.
        timer = threading.Timer(self._limits.seconds, stop)
        timer.start()
        try:
            line = process.stdout.readline()
        finally:
            timer.cancel()
            timer.join()  # it may be stopping the process this moment
        return None if is_late.is_set() else line


def _environment() -> dict[str, str]:
    """Imports from where this process does: -m would put the current folder, and what lies in it, first."""
    paths = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": paths}


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" not in answer:
        return answer
    kind = errors.LimitError if answer["error"] == "LimitError" else errors.DocumentError
    raise kind(answer["message"], hint=answer["hint"])
