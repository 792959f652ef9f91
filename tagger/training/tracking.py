"""Finished runs copied into an MLflow store on this machine, for who likes to browse there.

The run folder stays the truth: what is copied is read from it, and a store can be made anew from
run folders at any time. Nothing is sent anywhere: the store is a SQLite file, and MLflow's own
reports of its use are switched off before it is imported.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.errors import MissingExtraError, OutputError, UsageError
from tagger.training.config import TrainConfig, portable_config
from tagger.training.finished import read_figures

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

#: So many figures go to the store at once: MLflow takes up to 1000.
_BATCH = 500
#: The tag by which a run that is copied twice is known.
_IDENTITY = "tagger.run"


def check_tracking(config: TrainConfig) -> None:
    """Before a run begins: whether it can be copied when it is over.

    Raises
    ------
    MissingExtraError
        MLflow, or what it keeps a store with, is not installed.
    UsageError
        The store is no file: a server is not written to.
    """
    store = config.tracking.store
    if store is None:
        return
    if "://" in store or store.startswith("file:"):
        raise UsageError(
            f"found {store!r}, expected the path of a SQLite file", where="tracking.store",
            hint="Runs are not sent to servers; MLflow can serve the file: mlflow ui --backend-store-uri sqlite:///FILE",
        )  # fmt: skip
    for library in ("mlflow", "sqlalchemy"):
        if find_spec(library) is None:
            raise MissingExtraError(library, "mlflow", "tracking=mlflow")


def track(config: TrainConfig) -> None:
    """Copy the finished run of a config into its store; nothing without one.

    A run that is there already, of the same folder and model, is not copied twice.

    Raises
    ------
    OutputError
        The store cannot be written, or the run folder is not whole.
    """
    if config.tracking.store is None:
        return
    check_tracking(config)
    folder, store = Path(config.output).resolve(), Path(config.tracking.store).resolve()
    client = _open(store)
    try:
        _copy(client, config, folder, store)
    except OutputError:
        raise
    except Exception as error:  # of MLflow, SQLAlchemy or SQLite, which share no base
        raise OutputError(f"MLflow cannot write it ({str(error).splitlines()[0]})", where=store) from None


def _open(store: Path) -> MlflowClient:
    # Its telemetry and its checks for updates would reach out; both are read on import.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # tells every table that it makes
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        # Said for the registry too: it would fall back on a server that the environment names.
        return MlflowClient(tracking_uri=f"sqlite:///{store}", registry_uri=f"sqlite:///{store}")
    except Exception as error:
        raise OutputError(f"MLflow cannot open it ({str(error).splitlines()[0]})", where=store) from None


def _copy(client: MlflowClient, config: TrainConfig, folder: Path, store: Path) -> None:
    from mlflow.entities import Metric, Param, RunTag

    record = _read(folder / "run.json")
    experiment = _experiment(client, config.tracking.experiment, store)
    identity = f"{folder} {record['model_version']}"
    if client.search_runs([experiment], filter_string=f"tags.`{_IDENTITY}` = '{identity.replace(chr(39), '_')}'"):
        return
    made = client.create_run(experiment, run_name=folder.name)
    params = [Param(key, str(value)[:6000]) for key, value in _flatten(portable_config(config))]
    metrics = [Metric(key, value, 0, step) for key, value, step in _metrics(folder)]
    tags = [RunTag(_IDENTITY, identity.replace("'", "_")), RunTag("data.hash", record["data"]["hash"])]
    for start in range(0, len(params), 100):
        client.log_batch(made.info.run_id, params=params[start : start + 100])
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(made.info.run_id, metrics=metrics[start : start + _BATCH])
    # The identity last: a copy that was cut off is not taken for a whole one.
    client.set_terminated(made.info.run_id)
    client.log_batch(made.info.run_id, tags=tags[::-1])


def _experiment(client: MlflowClient, name: str, store: Path) -> str:
    found = client.get_experiment_by_name(name)
    # Artifacts are not copied; the place is named so that MLflow makes none of its own.
    return found.experiment_id if found else client.create_experiment(name, str(store.parent / "mlflow-artifacts"))


def _metrics(folder: Path) -> Iterator[tuple[str, float, int]]:
    """Name, value and step of every figure of a run: of the sentences, and of its curves."""
    for name, value in read_figures(folder).items():
        if _is_number(value):
            yield name, float(value), 0
    for name, interval in read_figures(folder)["interval_95"].items():
        yield f"{name}_low", float(interval[0]), 0
        yield f"{name}_high", float(interval[1]), 0
    for id, figures in read_figures(folder)["domains"].items():
        yield from ((f"{id}/{name}", float(value), 0) for name, value in figures.items() if _is_number(value))
    for line in (folder / "curves.jsonl").read_text(encoding="utf-8").splitlines():
        point = json.loads(line)
        part = str(point.get("part", "")).replace(",", "")
        for name, value in point.items():
            if name != "step" and _is_number(value):
                yield f"{part}/{name}", float(value), int(point.get("step", 0))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _flatten(part, f"{path}.{name}".lstrip("."))
    else:
        yield path, value


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(f"not the record of a run ({error})", where=path) from None
    return data
