"""The run folder: what is in it, and what is never written over."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from tagger.corpus.examples import Examples
from tagger.errors import OutputError
from tagger.evaluation.metrics import score
from tagger.models.storage import load_model
from tagger.training.config import DataConfig, SplitConfig, TrainConfig, config_from_dict
from tagger.training.model_config import FeaturesConfig, TfidfConfig
from tagger.training.run import run
from tagger.training.run_folder import refuse_foreign_run
from tagger.training.threshold_gain import threshold_gain

_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"


@pytest.fixture
def config(corpus_folder: Path, tmp_path: Path) -> TrainConfig:
    """A small TF-IDF run."""
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    data = DataConfig(corpus=str(corpus_folder), domains=str(tmp_path / "domains.yaml"))
    model = TfidfConfig(features=FeaturesConfig(min_df=1))
    return TrainConfig(model=model, data=data, split=SplitConfig(n_folds=2), output=str(tmp_path / "runs" / "one"))


def _json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_run_leaves_all_that_tells_how_it_was_made(config: TrainConfig, examples: Examples) -> None:
    manifest = run(config)
    folder = Path(config.output)
    assert sorted(p.name for p in folder.parent.iterdir()) == ["one"], "nothing beside it"
    assert config_from_dict(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))) == config
    record = _json(folder / "run.json")
    assert (record["kind"], record["seed"], record["model_version"]) == ("tfidf", 1, manifest.version)
    assert record["data"]["hash"] == examples.hash
    assert record["libraries"]["numpy"] == np.__version__
    held_out = [bulletin for fold in _json(folder / "split.json")["folds"] for bulletin in fold["held_out"]]
    assert sorted(held_out) == sorted(set(examples.bulletins.tolist())), "every bulletin is held out once"
    lines = (folder / "sentences.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == [text.text for text in examples.texts]


def test_the_figures_of_a_run_are_those_of_its_scores(config: TrainConfig) -> None:
    manifest = run(config)
    folder = Path(config.output)
    metrics = _json(folder / "metrics.json")
    with np.load(folder / "out_of_fold.npz", allow_pickle=False) as scores:
        y_pred = (scores["y_proba"] >= scores["thresholds"]).astype(np.int8)
        figures = score(scores["y_true"], y_pred, scores["domains"].tolist())
        keys = list(zip(scores["bulletins"].tolist(), scores["paragraphs"].tolist(), strict=True))
    levels = metrics["out_of_fold"]["levels"]
    assert {name: levels["sentence"][name] for name in figures} == figures
    assert levels["paragraph"]["n_texts"] == len(set(keys))
    assert levels["bulletin"]["n_texts"] == metrics["out_of_fold"]["n_bulletins"]
    assert manifest.metrics["f1_macro"] == figures["f1_macro"]
    assert metrics["cost"]["size_bytes"] == sum(p.stat().st_size for p in (folder / "model").iterdir())
    assert set(metrics["thresholds"]["gain"]) == {"half", "shared", "own", "shrunk"}


def test_the_same_settings_give_the_same_figures_and_another_seed_other_folds(config: TrainConfig) -> None:
    first = run(config)
    found = _json(Path(config.output) / "metrics.json")
    split = (Path(config.output) / "split.json").read_bytes()
    again = run(config)  # in its place
    assert again.version == first.version
    repeated = _json(Path(config.output) / "metrics.json")
    assert found.pop("cost").keys() == repeated.pop("cost").keys()  # seconds differ
    assert repeated == found
    assert (Path(config.output) / "split.json").read_bytes() == split
    run(dataclasses.replace(config, seed=5))
    assert _json(Path(config.output) / "split.json")["seed"] == 5


def test_a_run_folder_stands_for_its_model(config: TrainConfig) -> None:
    manifest = run(config)
    assert load_model(config.output).version == load_model(Path(config.output, "model")).version == manifest.version


@pytest.mark.parametrize("name", ["notes.txt", "model/notes.txt"])
def test_what_is_no_run_is_never_written_over(config: TrainConfig, tmp_path: Path, name: str) -> None:
    path = Path(config.output, name)
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"no part of a run|not a run"):
        run(config)
    assert path.read_text() == "mine"


def test_a_file_in_the_place_of_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        refuse_foreign_run(tmp_path / "a")


def test_thresholds_are_measured_where_they_were_not_chosen() -> None:
    """One domain is scored low throughout: only a threshold of its own finds it."""
    rng = np.random.default_rng(0)
    y_true = (rng.random((600, 2)) < 0.3).astype(np.int8)
    y_proba = np.where(y_true == 1, 0.9, 0.1) * np.array([1, 0.3]) + rng.random((600, 2)) * 0.02
    gain = threshold_gain(y_true, y_proba, np.repeat(np.arange(60), 10).astype(str), shrinkage=1.0)
    assert gain["half"]["f1_macro"] == pytest.approx(0.5)
    assert gain["own"]["f1_macro"] == pytest.approx(1.0)
    assert gain["shared"]["f1_macro"] == pytest.approx(1.0), "0.2 parts both"
    assert threshold_gain(y_true, y_proba, np.repeat("a", 600), shrinkage=1.0) == {}
