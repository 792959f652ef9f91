"""Run folders that are there already: whether one is of this very run, and its main figures."""

from __future__ import annotations

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
    if not is_run_folder(folder) or not (folder / "model").is_dir() or _is_older(folder / FILE, config):
        return False
    import yaml

    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
        stored = config_from_dict(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")))
        return (
            portable_config(stored) == portable_config(config)
            and record["data"]["hash"] == data_hash
            and record["tagger_version"] == tagger.__version__
        )
    # Of another version, or damaged: whatever it is, it is not this run.
    except Exception:
        return False


def _is_older(record: Path, config: TrainConfig) -> bool:
    """Whether the domain list or the lexicon was changed after a run: the hash of the data does not know them."""
    lexicon = getattr(config.model, "lexicon", None) or project_path("labels/lexicon.yaml")
    files = [Path(config.data.domains or project_path("labels/domains.yaml")), Path(lexicon)]
    return any(file.is_file() and file.stat().st_mtime > record.stat().st_mtime for file in files)


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
