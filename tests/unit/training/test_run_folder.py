"""The run folder: what is in it, and what is never written over."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from tagger.corpus.examples import Examples
from tagger.corpus.records import Fields
from tagger.domains import DomainSet
from tagger.errors import OutputError
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import read_run
from tagger.evaluation.summary import to_json
from tagger.labelling.audit import read_out_of_fold
from tagger.models.storage import load_model
from tagger.models.thresholds import choose_thresholds
from tagger.training.config import DataConfig, SplitConfig, TrainConfig, config_from_dict
from tagger.training.model_config import FeaturesConfig, TfidfConfig
from tagger.training.run import run
from tagger.training.run_folder import Scored, refuse_foreign_run
from tagger.training.run_metrics import summarize_scored
from tagger.training.threshold_gain import cross_fitted_figures, threshold_gain
from tagger.training.trained import measure_out_of_fold

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
    assert 20 < metrics["cost"]["peak_memory_mib"] < 100_000
    assert set(metrics["thresholds"]["gain"]) == {"half", "shared", "own", "shrunk"}
    other = metrics["thresholds"]["other_bulletins"]
    assert {name: other[name] for name in ("f1_micro", "f1_macro")} == metrics["thresholds"]["gain"]["shrunk"]
    assert to_json(manifest.metrics["thresholds_of_other_bulletins"]) == other
    assert f"have micro-F1 {other['f1_micro']:.3f} [" in (folder / "model" / "README.md").read_text(encoding="utf-8")


def test_page_furniture_is_no_text_of_no_domain(examples: Examples, domains: DomainSet) -> None:
    """A third of the rows are furniture, answered by rule: no figure may move with them but their count."""
    is_furniture = np.arange(len(examples)) % 3 == 0
    rng = np.random.default_rng(1)
    y_proba = np.where(is_furniture[:, None], 0, rng.random(examples.y_true.shape)).astype(np.float32)
    mixed, thresholds = dataclasses.replace(examples, noise=is_furniture), np.full(3, 0.5)
    text, text_proba = mixed.take(~is_furniture), y_proba[~is_furniture]
    found = measure_out_of_fold(mixed, y_proba, thresholds, domains)
    assert found == measure_out_of_fold(text, text_proba, thresholds, domains)
    assert found["exact_match"] == np.mean(((text_proba >= 0.5) == text.y_true).all(axis=1))
    whole = summarize_scored(Scored(mixed, y_proba), thresholds, domains)
    alone = summarize_scored(Scored(text, text_proba), thresholds, domains)
    assert whole["levels"] == alone["levels"]
    assert whole["levels"]["sentence"]["n_texts"] == (~is_furniture).sum()
    n_labelled = int(examples.y_true[is_furniture].any(axis=1).sum())
    assert n_labelled
    assert whole["furniture"] == {"n_texts": int(is_furniture.sum()), "n_labelled": n_labelled}
    assert alone["furniture"] == {"n_texts": 0, "n_labelled": 0}


def test_the_scores_of_a_run_are_of_text_and_its_sentences_of_the_whole_page(
    config: TrainConfig, examples: Examples, domains: DomainSet
) -> None:
    mixed = dataclasses.replace(examples, noise=np.arange(len(examples)) % 6 == 5)
    manifest = run(config, lambda _: (domains, mixed, mixed.take(np.array([], dtype=int))))
    folder = Path(config.output)
    with np.load(folder / "out_of_fold.npz", allow_pickle=False) as scores:
        assert scores["ids"].tolist() == [id for id, noise in zip(mixed.ids, mixed.noise, strict=True) if not noise]
    assert len((folder / "sentences.jsonl").read_text(encoding="utf-8").splitlines()) == len(mixed)
    assert manifest.metrics["n_texts"] == int((~mixed.noise).sum())
    assert manifest.metrics["furniture"]["n_texts"] == int(mixed.noise.sum())


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


def test_figures_by_thresholds_of_other_bulletins_do_not_grow_with_what_the_choice_can_fit() -> None:
    """Scores by chance: a threshold chosen on them finds something, one chosen on other bulletins nothing."""
    gaps = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y_true, y_proba = (rng.random((400, 4)) < 0.1).astype(np.int8), rng.random((400, 4))
        bulletins = np.repeat(np.arange(40), 10).astype(str)
        own = choose_thresholds(y_true, y_proba, shrinkage=0.0)
        flattered = score(y_true, (y_proba >= own).astype(np.int8), list("abcd"))["f1_macro"]
        found = cross_fitted_figures(y_true, y_proba, bulletins, shrinkage=0.0, thresholds=own)
        low, high = found["interval_95"]["f1_macro"]
        assert low < found["f1_macro"] < high
        gaps.append(flattered - found["f1_macro"])
    assert np.mean(gaps) > 3 * np.std(gaps, ddof=1) / np.sqrt(len(gaps)) > 0


def test_given_thresholds_are_not_chosen_anew() -> None:
    rng = np.random.default_rng(3)
    y_true, y_proba = (rng.random((400, 4)) < 0.1).astype(np.int8), rng.random((400, 4))
    given = np.full(4, 0.3)
    figures = score(y_true, (y_proba >= given).astype(np.int8), list("abcd"))
    bulletins = np.repeat(np.arange(40), 10).astype(str)
    found = cross_fitted_figures(y_true, y_proba, bulletins, shrinkage=None, thresholds=given)
    assert found["f1_macro"] == figures["f1_macro"]
    assert cross_fitted_figures(y_true, y_proba, np.repeat("a", 400), shrinkage=1.0, thresholds=given) == {}


def test_a_run_names_the_tasks_that_its_sentences_were_labelled_in(tmp_path: Path, domains: DomainSet) -> None:
    pages = {f"b{i}": [f"第{i}期民警巡逻。", f"第{i}期民警宣传。", f"第{i}期整治酒驾。"] for i in range(4)}
    # Paragraphs 0, 2 and 4 of each page were not labelled, and one was put in after the others had their tasks.
    rows = [
        {"text": text, "domains": [domain], "bulletin": id, "paragraph": 2 * n + 1, "uid": f"{id}:paragraph:{2 * n}"}
        for id, texts in pages.items()
        for n, (text, domain) in enumerate(zip(texts, ("patrol", "propaganda", "traffic"), strict=True))
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "examples.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    path, listed = str(tmp_path / "examples.jsonl"), str(tmp_path / "domains.yaml")
    data = DataConfig(kind="jsonl", path=path, domains=listed, fields=Fields(source=None))
    model = TfidfConfig(features=FeaturesConfig(min_df=1))
    run(TrainConfig(model=model, data=data, split=SplitConfig(n_folds=2), output=str(tmp_path / "run")))
    sentences = read_run(tmp_path / "run").sentences.values()
    assert {sentence.text: sentence.uid for sentence in sentences} == {row["text"]: row["uid"] for row in rows}
    assert [sentence.paragraph for sentence in sentences] == [0, 1, 2] * 4, "the run's own numbers are others"
    scores = read_out_of_fold(tmp_path / "run")
    assert dict(zip(scores.texts, scores.uids, strict=True)) == {row["text"]: row["uid"] for row in rows}


def test_a_run_of_texts_without_tasks_writes_what_it_always_wrote(config: TrainConfig) -> None:
    run(config)
    lines = (Path(config.output) / "sentences.jsonl").read_text(encoding="utf-8").splitlines()
    assert {tuple(json.loads(line)) for line in lines} == {("id", "bulletin", "paragraph", "text", "title")}
