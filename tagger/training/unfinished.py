"""What a long run has done so far, kept beside its output until it is over."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from torch import nn

from tagger.bulletins import normalize
from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.training.config import TrainConfig, config_to_dict

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
            if folder.exists() and _stored_key(folder) != key:
                log.info("%s is of another run: starting anew", folder)
                shutil.rmtree(folder)
            elif folder.exists():
                log.info("going on with the unfinished run in %s", folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _STATE).write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror})", where=folder) from None
        return cls(folder)

    def checkpoints(self, title: str) -> Path:
        """The folder for the checkpoints of one part of the run."""
        return self.folder / "checkpoints" / _file_name(title)

    def keep_scores(self, title: str, scores: np.ndarray) -> None:
        """Keep scores, float32 of any shape."""
        path = self.folder / f"{_file_name(title)}.npy"
        with path.with_suffix(".tmp").open("wb") as file:
            np.save(file, scores, allow_pickle=False)
        path.with_suffix(".tmp").replace(path)

    def scores(self, title: str) -> np.ndarray | None:
        """Scores that were kept, or None."""
        path = self.folder / f"{_file_name(title)}.npy"
        return np.load(path, allow_pickle=False) if path.is_file() else None

    def keep_network(self, title: str, network: nn.Module) -> None:
        """Keep the weights of a network that is done; its checkpoints go."""
        path = self.folder / f"{_file_name(title)}.safetensors"
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
        shutil.rmtree(self.checkpoints(title), ignore_errors=True)

    def restore_network(self, title: str, network: nn.Module) -> bool:
        """Load weights that were kept into a network; False if there are none."""
        path = self.folder / f"{_file_name(title)}.safetensors"
        if path.is_file():
            network.load_state_dict(load_file(path))
        return path.is_file()

    def remove(self) -> None:
        """Remove the folder: the run is over."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _file_name(title: str) -> str:
    return title.replace(", ", "-").replace(" ", "_")


def _key(config: TrainConfig, examples: Examples, copies: Examples) -> str:
    settings: dict[str, Any] = config_to_dict(config)
    settings.pop("output")
    versions = {name: metadata.version(name) for name in ("torch", "transformers", "tokenizers")}
    told = [settings, examples.hash, copies.hash, versions, normalize.VERSION]
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
