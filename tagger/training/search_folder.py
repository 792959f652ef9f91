"""The folder of a search: what is in it, whose it is, and what a killed process left there.

::

    search.json        what is searched, on which data
    study.sqlite       the trials, by Optuna
    trials/0007/       the run folder of a trial that has a score; of the best one with its model
    best               a link to the best one
    best.yaml          its settings: tagger train experiment=FOLDER/best.yaml
    trials.jsonl       one line a trial
    report.md          what was found
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tagger.errors import OutputError, UsageError
from tagger.training.config import portable_config
from tagger.training.search_config import SearchTask

log = logging.getLogger(__name__)
FILE = "search.json"
FORMAT = 1
_LOCK, _BEST, _GONE = ".lock", "best", ".gone-"


class SearchFolder:
    """The folder of a search that this process alone works in; made by `open_folder`."""

    def __init__(self, root: Path) -> None:
        self.root, self.trials = root, root / "trials"

    @property
    def study(self) -> Path:
        """The SQLite file."""
        return self.root / "study.sqlite"

    @property
    def best(self) -> Path:
        """The link to the best run folder."""
        return self.root / _BEST

    def run(self, number: int) -> Path:
        """The run folder of a trial by Optuna's number, from 0; people count from 1."""
        return self.trials / f"{number + 1:04d}"

    def keep_best(self, number: int) -> None:
        """Point ``best`` at a trial's run folder, then let go of the models of the others.

        In this order and each step at once, so that ``best`` has a whole model at any moment.
        """
        with _told(self.root):
            link = self.root / f".{_BEST}"
            link.unlink(missing_ok=True)
            link.symlink_to(self.run(number).relative_to(self.root))
            link.replace(self.best)
            for run in self.trials.iterdir():
                if (run / "model").is_dir() and run != self.run(number) and not run.name.startswith("."):
                    self._discard(run / "model", run.name)

    def drop_run(self, number: int) -> None:
        """Remove what a trial without a score has left."""
        with _told(self.root):
            for left in (self.run(number), _unfinished(self.run(number))):
                if left.is_dir():
                    self._discard(left, left.name)

    def clean(self, finished: Iterable[int], scored: Iterable[int]) -> None:
        """Remove what a killed process left: half-written folders, and runs of trials without a score.

        Parameters
        ----------
        finished, scored : iterable of int
            Numbers of the trials that are over, and of those of them that have a score.
        """
        with _told(self.root):
            self.trials.mkdir(exist_ok=True)
            for left in self.trials.glob(".*"):
                shutil.rmtree(left, ignore_errors=True)
        scored = set(scored)
        for number in finished:
            if number not in scored:
                self.drop_run(number)
            elif (left := _unfinished(self.run(number))).is_dir():
                self._discard(left, left.name)

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        write_whole(self.root / name, text)

    def _discard(self, folder: Path, name: str) -> None:
        gone = self.trials / f"{_GONE}{name}"
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _unfinished(run: Path) -> Path:
    return run.with_name(f"{run.name}.unfinished")


@contextlib.contextmanager
def open_folder(task: SearchTask, data_hash: str) -> Iterator[SearchFolder]:
    """The folder of this very search, new or with what it has done; locked while the context is open.

    Raises
    ------
    OutputError
        The place holds something else, cannot be written, or another process is searching there.
    UsageError
        It holds a search of other settings or data; the message names the first that differs.
    """
    root = task.folder
    _refuse_foreign(root)
    with _told(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / _LOCK).open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it, even after a kill
        except OSError:
            raise OutputError(
                "another process is searching here", where=root, hint="Wait for it, or choose another output."
            ) from None
        record = _record(task, data_hash)
        if (root / FILE).exists():
            _check_same(root, record)
        else:
            write_whole(root / FILE, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
        yield SearchFolder(root)


def write_whole(path: Path, text: str) -> None:
    """Write a file under another name, then rename it; an `OutputError` leaves what was there."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot be written ({error.strerror})", where=path) from None


def _refuse_foreign(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise OutputError("is a file, expected a place for a search", where=root, hint="Choose another output.")
    names = {path.name for path in root.iterdir()} if root.is_dir() else set()
    if FILE not in names and names - {_LOCK, f".{FILE}.tmp"}:
        raise OutputError("holds something that is not a search", where=root, hint="Choose another output.")


def _record(task: SearchTask, data_hash: str) -> dict[str, Any]:
    search = _plain(task.search)
    del search["n_trials"]  # more of them is the same search, longer
    return {"format": FORMAT, "run": portable_config(task.base), "search": search, "data": {"hash": data_hash}}


def _plain(search: Any) -> dict[str, Any]:
    return json.loads(json.dumps(dataclasses.asdict(search)))


def _check_same(root: Path, record: dict[str, Any]) -> None:
    path = root / FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']!r}, expected {FORMAT}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutputError(f"not the record of a search ({error})", where=path, hint="Choose another output.") from None
    there, here = _flatten(stored), _flatten(json.loads(json.dumps(record)))
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            what = "other data" if name == "data.hash" else f"{name.partition('.')[2]} {there.get(name)!r}"
            now = "" if name == "data.hash" else f", now {here.get(name)!r}"
            raise UsageError(
                f"holds a search with {what}{now}", where=root,
                hint="Give the same command again to go on with it, or choose another output.",
            )  # fmt: skip


def _flatten(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    parts = (_flatten(part, f"{path}.{name}".lstrip(".")) for name, part in value.items())
    return {key: plain for part in parts for key, plain in part.items()}


@contextlib.contextmanager
def _told(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=error.filename or where) from None
