"""Run folders that are there already: whether one is of this very run, and its main figures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import tagger
from tagger.errors import OutputError
from tagger.project import project_path
from tagger.training.config import TrainConfig, config_from_dict, portable_config
from tagger.training.run_folder import FILE, is_run_folder


def is_finished(config: TrainConfig, data_hash: str) -> bool:
    """Whether the run folder of a config holds a finished run of the same settings, data and version of ours.

    Parameters
    ----------
    config : TrainConfig
    data_hash : str
        Of the examples that it would be trained on.
    """
    folder = Path(config.output)
    if not is_run_folder(folder) or not (folder / "model").is_dir():
        return False
    import yaml

    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
        stored = config_from_dict(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")))
        return (
            portable_config(stored) == portable_config(config)
            and record["data"]["hash"] == data_hash
            and record["inputs"] == hash_inputs(config)
            and record["tagger_version"] == tagger.__version__
        )
    # Of another version, or damaged: whatever it is, it is not this run.
    except Exception:
        return False


def hash_inputs(config: TrainConfig) -> dict[str, str]:
    """What decides a run beside its settings and its data: files that the settings name, by content.

    Not by their times: a checkout makes old files new, and a file restored with its time new ones old.

    Returns
    -------
    dict
        ``domains`` and ``lexicon``, and where the settings name one ``split``, ``test`` and the
        ``encoder``'s folder: the SHA-256 of the bytes in hexadecimal digits; "" where there is no such
        file, as with domains that are made of the labels.
    """
    lexicon = getattr(config.model, "lexicon", None) or project_path("labels/lexicon.yaml")
    paths = {"domains": config.data.domains or project_path("labels/domains.yaml"), "lexicon": lexicon}
    encoder = getattr(config.model, "encoder", None)
    named = {"split": config.split.file, "test": config.data.test, "encoder": encoder and encoder.name}
    # A hub's name or the packaged encoder is no path here: each comes with checksums of its own.
    paths |= {name: path for name, path in named.items() if path and Path(path).expanduser().exists()}
    return {name: _hash(Path(path).expanduser()) for name, path in paths.items()}


def _hash(path: Path) -> str:
    """Of a file's bytes, or of all files of a folder with their names; "" where there is neither."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    found = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
    told = [(file.relative_to(path).as_posix(), _hash(file)) for file in found]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest() if told else ""


def read_figures(folder: Path) -> dict[str, Any]:
    """The figures of the sentences of a run folder, out of fold.

    Raises
    ------
    OutputError
        It has none.
    """
    path = folder / "metrics.json"
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["out_of_fold"]["levels"]["sentence"]
        return {**figures, "f1_macro": float(figures["f1_macro"]), "f1_micro": float(figures["f1_micro"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutputError(f"holds no figures of a run ({error})", where=path, hint="Remove it and run again.") from None


def read_other_bulletins(folder: Path) -> dict[str, float]:
    """``f1_micro`` and ``f1_macro`` of a run folder by thresholds of other bulletins; empty where it has none."""
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["thresholds"]["other_bulletins"]
        return {name: float(found[name]) for name in ("f1_micro", "f1_macro")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
