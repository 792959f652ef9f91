"""What a long run has done so far, kept beside its output until it is over."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

import tagger
from tagger.bulletins import normalize
from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.training.config import TrainConfig, portable_config
from tagger.training.environment import peak_memory
from tagger.training.fine_tuning import is_bf16
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
        #: Seconds of training that lie before this process, those that a cut has lost left out.
        self.seconds_before = sum(map(_seconds, self._parts())) + sum(map(_seconds_of_checkpoints, self._begun()))

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
        """Keep the course of the loss in one part of the run, and how many sentences it read in these steps."""
        with _whole(self.folder / f"{_file_name(title)}.curve.json") as temporary:
            part = {"part": title, "n_read": n_read, "steps": history, "memory": peak_memory()}
            temporary.write_text(json.dumps(part), encoding="utf-8")

    def curves(self) -> list[dict[str, Any]]:
        """All steps that were kept, oldest part first, each with the name of its ``part``."""
        return [{"part": part["part"], **step} for part in self._parts() for step in part["steps"]]

    def cost(self) -> dict[str, float]:
        """What the training took, before a cut and after it.

        Returns
        -------
        dict
            ``seconds_per_1000_sentences``, of which one counts once an epoch, where anything was read;
            ``seconds_before``, those of training in earlier processes; what
            `tagger.training.environment.peak_memory` gives, of all of them.
        """
        parts = self._parts()
        found = {"seconds_before": round(self.seconds_before, 1)}
        for part in parts:
            found |= {name: max(value, found.get(name, 0)) for name, value in part["memory"].items()}
        if n_read := sum(part["n_read"] for part in parts):
            found["seconds_per_1000_sentences"] = round(1000 * sum(map(_seconds, parts)) / n_read, 2)
        return found

    def _begun(self) -> list[Path]:
        """Folders of checkpoints of parts that are not done."""
        folders = self.folder.glob("checkpoints/*")
        return [path for path in folders if not (self.folder / f"{path.name}.curve.json").exists()]

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
        """Remove the folder: the run is over, and saved, so that one which stays is no error."""
        try:
            if self.folder.exists():
                _discard(self.folder)
        except OSError as error:
            log.warning("%s could not be removed (%s); the run is saved, nothing needs it", self.folder, error.strerror)


def _seconds(part: Mapping[str, Any]) -> float:
    """Of one part's steps, each of which says how long training has taken so far."""
    return float(max((step.get("seconds", 0.0) for step in part["steps"]), default=0.0))


def _seconds_of_checkpoints(folder: Path) -> float:
    """Of a part that goes on from one of its checkpoints; 0 where none can be read, as nothing goes on then."""
    found = [0.0]
    for path in folder.glob("checkpoint-*/trainer_state.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            found.append(_seconds({"steps": json.loads(path.read_text(encoding="utf-8"))["log_history"]}))
    return max(found)


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
    computing = ["cuda" if torch.cuda.is_available() else "cpu", is_bf16(config.model.fine_tuning)]
    told = [settings, examples.hash, copies.hash, versions, normalize.VERSION, tagger.__version__, hash_inputs(config),
            computing]  # fmt: skip
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
