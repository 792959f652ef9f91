"""What a long run has done so far, kept beside its output until it is over."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

import tagger
from tagger.bulletins import normalize
from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.training.config import TrainConfig, portable_config
from tagger.training.finished import hash_inputs

log = logging.getLogger(__name__)
_STATE = "run.json"


class Unfinished:
    """The folder of an unfinished run.

    Everything in it is written under another name and then renamed, so that what is there
    after a kill is whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, config: TrainConfig, examples: Examples, copies: Examples) -> Unfinished:
        """The folder of this very run, with what it has done, or a new one.

        Another run is one of other settings, data or library versions: what it left is removed.

        Raises
        ------
        OutputError
            The place holds something else, or cannot be written.
        """
        folder = Path(f"{config.output}.unfinished")
        key = _key(config, examples, copies)
        try:
            _remove(_aside(folder, "gone"))
            if folder.exists() and _stored_key(folder) != key:
                log.info("%s is of another run: starting anew", folder)
                _discard(folder)
            elif folder.exists():
                log.info("going on with the unfinished run in %s", folder)
            if not folder.exists():
                _begin(folder, key)
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror})", where=folder) from None
        return cls(folder)

    def checkpoints(self, title: str) -> Path:
        """The folder for the checkpoints of one part of the run."""
        return self.folder / "checkpoints" / _file_name(title)

    def keep_scores(self, title: str, scores: np.ndarray) -> None:
        """Keep scores, floats of any shape."""
        with _whole(self.folder / f"{_file_name(title)}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, scores, allow_pickle=False)

    def scores(self, title: str) -> np.ndarray | None:
        """Scores that were kept, or None."""
        path = self.folder / f"{_file_name(title)}.npy"
        with _readable(path):
            return np.load(path, allow_pickle=False) if path.is_file() else None

    def keep_curve(self, title: str, history: list[dict[str, Any]], *, n_read: int) -> None:
        """Keep the course of the loss in one part of the run, and how many sentences it read, one an epoch."""
        with _whole(self.folder / f"{_file_name(title)}.curve.json") as temporary:
            temporary.write_text(json.dumps({"part": title, "n_read": n_read, "steps": history}), encoding="utf-8")

    def curves(self) -> list[dict[str, Any]]:
        """All steps that were kept, oldest part first, each with the name of its ``part``."""
        return [{"part": part["part"], **step} for part in self._parts() for step in part["steps"]]

    def cost(self) -> dict[str, float]:
        """What the training took, before a cut and after it.

        Returns
        -------
        dict
            ``seconds_per_1000_sentences``, of which one counts once an epoch; empty where
            nothing was read.
        """
        parts = self._parts()
        seconds = sum(max((step.get("seconds", 0.0) for step in part["steps"]), default=0.0) for part in parts)
        n_read = sum(part["n_read"] for part in parts)
        return {"seconds_per_1000_sentences": round(1000 * seconds / n_read, 2)} if n_read else {}

    def _parts(self) -> list[dict[str, Any]]:
        paths = sorted(self.folder.glob("*.curve.json"), key=lambda path: path.stat().st_mtime_ns)
        with _readable(self.folder):
            return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

    def keep_network(self, title: str, network: nn.Module) -> None:
        """Keep the weights of a network that is done; its checkpoints go."""
        with _whole(self.folder / f"{_file_name(title)}.safetensors") as temporary:
            save_file({k: v.contiguous() for k, v in network.state_dict().items()}, temporary)
        shutil.rmtree(self.checkpoints(title), ignore_errors=True)

    def restore_network(self, title: str, network: nn.Module) -> bool:
        """Load weights that were kept into a network; False if there are none."""
        path = self.folder / f"{_file_name(title)}.safetensors"
        if path.is_file():
            with _readable(path):
                network.load_state_dict(load_file(path))
        return path.is_file()

    def remove(self) -> None:
        """Remove the folder: the run is over."""
        if self.folder.exists():
            _discard(self.folder)


def _begin(folder: Path, key: str) -> None:
    """Make the folder with the record of its run in it, at once: one without is nobody's."""
    new = _aside(folder, "new")
    _remove(new)
    new.mkdir(parents=True)
    (new / _STATE).write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")
    new.rename(folder)


def _discard(folder: Path) -> None:
    """Remove the folder, out of its place first: a kill leaves it whole or gone."""
    gone = _aside(folder, "gone")
    _remove(gone)
    folder.rename(gone)
    _remove(gone)


def _aside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Another name to write a file under, which becomes its own when all is written."""
    temporary = path.with_suffix(".tmp")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"cannot be written ({reason})", where=path, hint="What was done before stays; make room and go on."
        ) from None


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever a damaged or foreign file raises, as one of ours."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, SafetensorError) as error:
        raise OutputError(
            f"is damaged ({type(error).__name__})", where=path, hint="Remove the unfinished run to start anew."
        ) from None


def _file_name(title: str) -> str:
    return title.replace(", ", "-").replace(" ", "_")


def _key(config: TrainConfig, examples: Examples, copies: Examples) -> str:
    settings = portable_config(config)
    versions = {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers", "scikit-learn")}
    told = [settings, examples.hash, copies.hash, versions, normalize.VERSION, tagger.__version__, hash_inputs(config)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _stored_key(folder: Path) -> str:
    """The key of the run that a folder is of; an `OutputError` if it is no such folder."""
    try:
        return str(json.loads((folder / _STATE).read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        if folder.is_dir() and not any(folder.iterdir()):
            return ""
        raise OutputError("holds something that is not an unfinished run", where=folder,
                          hint="Remove it or choose another output.") from None  # fmt: skip
