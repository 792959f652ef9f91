"""What a service must not forget: which model serves, what is being trained, what was asked meanwhile.

One small JSON file, replaced as a whole. No token and no address goes into it.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tagger.errors import ModelError, OutputError

FILE = "state.json"
FORMAT = 1


@dataclass(frozen=True)
class Job:
    """One retraining.

    Attributes
    ----------
    number : int
        From 1; its files are called by it.
    project : int
        The Label Studio project whose annotations are pulled.
    asked : str
        When, ISO 8601.
    """

    number: int
    project: int
    asked: str


@dataclass(frozen=True)
class State:
    """Everything that outlives the process.

    Attributes
    ----------
    serving : str or None
        Name of the retrained model's folder that serves; None for the model that was named.
    n_jobs : int
        How many retrainings have begun.
    job : Job or None
        The one that has begun and not ended.
    waiting : tuple of int
        Projects whose retraining was asked for meanwhile, each once, in order.
    projects : tuple of int
        Projects that have been set up.
    last : dict
        How the last retraining ended: ``number, project, outcome, message, ended, data``.
    kept : dict
        Number of a retraining, as text -> ``model``, the name of its model's folder, ``version``,
        and ``message``, what was said of it. All that `tagger serve --serving` can choose from.
    """

    serving: str | None = None
    n_jobs: int = 0
    job: Job | None = None
    waiting: tuple[int, ...] = ()
    projects: tuple[int, ...] = ()
    last: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, dict[str, str]] = field(default_factory=dict)

    def with_waiting(self, project: int) -> State:
        """Remember that a project's retraining was asked for; once, however often."""
        return self if project in self.waiting else replace(self, waiting=(*self.waiting, project))


def read_state(folder: Path) -> State:
    """The state that was written last; a fresh one where there is none.

    Raises
    ------
    ModelError
        A file that is not ours, or of another format.
    """
    path = folder / FILE
    if not path.exists():
        return State()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise ValueError("another format")
        job = Job(**data.pop("job")) if data.get("job") else data.pop("job")
        return State(job=job, waiting=tuple(data.pop("waiting")), projects=tuple(data.pop("projects")), **data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"not the state of a service ({type(error).__name__})", where=path,
            hint="Move it away to begin with the model that --model names.",
        ) from None  # fmt: skip


def write_state(folder: Path, state: State) -> None:
    """Replace the file; a reader, or a start after a crash, sees the old state or the new.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    write_json(folder / FILE, {"format": FORMAT, **asdict(state)})


def write_json(path: Path, data: Any) -> None:
    """Write a small JSON file whole or not at all."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=path) from None
