"""Runs copied into an MLflow store: what stands in it, once, and nowhere else."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import MissingExtraError, UsageError
from tagger.training import tracking
from tagger.training.composing import compose
from tagger.training.config import TrackingConfig, TrainConfig
from tagger.training.run import run
from tagger.training.tracking import check_tracking, track

_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"


@pytest.fixture
def config(corpus_folder: Path, tmp_path: Path) -> TrainConfig:
    """A run that is to be tracked."""
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    words = "".join(f"{id}:\n  words: [{id}]\n" for id in ("traffic", "patrol", "propaganda"))
    (tmp_path / "words.yaml").write_text(words)
    return compose(["model=lexicon", f"model.lexicon={tmp_path}/words.yaml", f"data.corpus={corpus_folder}",
                    f"data.domains={tmp_path}/domains.yaml", "tracking=mlflow", f"output={tmp_path}/run",
                    f"tracking.store={tmp_path}/store/mlflow.sqlite"])  # fmt: skip


def test_it_is_off_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", None)
    assert compose().tracking.store is None
    check_tracking(compose())
    track(compose())


def test_without_mlflow_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as error:
        check_tracking(compose(["tracking=mlflow"]))
    assert str(error.value) == (
        "tracking=mlflow needs mlflow, which is not installed. Install it with: pip install 'tagger[mlflow]'"
    )


@pytest.mark.parametrize("store", ["http://localhost:5000", "databricks://x", "postgresql://u:p@h/d", "file:///x"])
def test_a_server_is_refused(store: str) -> None:
    with pytest.raises(UsageError, match="expected the path of a SQLite file"):
        check_tracking(TrainConfig(tracking=TrackingConfig(store=store)))


def test_where_a_run_is_told_of_makes_it_no_other_run(config: TrainConfig) -> None:
    import dataclasses

    from tagger.training.config import portable_config

    assert portable_config(config) == portable_config(dataclasses.replace(config, tracking=TrackingConfig()))


@pytest.fixture
def client(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MLflow's client of the store, with all ways out of this machine cut."""
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"a connection to {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://192.0.2.1:5000")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://192.0.2.1:5000")
    return tracking._open(Path(config.tracking.store or ""))


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_run_stands_in_the_store_with_its_settings_and_figures_once(
    client: Any, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(config)
    line = {"part": "fold 1 of 5", "step": 20, "epoch": 0.5, "loss": 0.25}
    (tmp_path / "run" / "curves.jsonl").write_text(json.dumps(line) + "\n")
    track(config)
    track(config)
    experiment = client.get_experiment_by_name("tagger")
    [found] = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == "run"
    assert found.info.status == "FINISHED"
    assert found.data.params["model.kind"] == "lexicon"
    assert found.data.params["seed"] == "1"
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())["out_of_fold"]["levels"]["sentence"]
    assert found.data.metrics["f1_macro"] == pytest.approx(metrics["f1_macro"])
    assert found.data.metrics["traffic/support"] == metrics["domains"]["traffic"]["support"]
    [point] = client.get_metric_history(found.info.run_id, "fold 1 of 5/loss")
    assert (point.value, point.step) == (0.25, 20)
    assert sorted(os.listdir(tmp_path)) == ["domains.yaml", "run", "store", "words.yaml"]
    assert os.listdir(tmp_path / "store") == ["mlflow.sqlite"]
