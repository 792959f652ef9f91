"""Labels, tags and scores by lot, and run folders of a few bulletins, made in a moment.

The runs are of two models, one better, with labels and names of any kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tagger.evaluation.summary import summarize, to_json

MakeRun = Callable[..., Path]
DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]
IDS = ("traffic", "patrol", "propaganda")
N_BULLETINS, N_PARAGRAPHS, N_SENTENCES = 12, 2, 3


@pytest.fixture
def draw_labels() -> DrawArrays:
    """Draws labels, and tags of which one in five is wrong, shape (n, 3): ``draw_labels(seed, n=40)``."""

    def draw(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        y_true = (rng.random((n, 3)) < 0.3).astype(np.int8)
        return y_true, np.where(rng.random((n, 3)) < 0.2, 1 - y_true, y_true).astype(np.int8)

    return draw


@pytest.fixture
def draw_scores() -> DrawArrays:
    """Draws labels and scores that promise too much, shape (n, 3): ``draw_scores(seed, n=300)``."""

    def draw(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        y_proba = rng.beta(0.4, 1.2, (n, 3))
        return (rng.random((n, 3)) < y_proba**1.5).astype(np.int8), y_proba

    return draw


def make_arrays(ids: tuple[str, ...], noise: float, seed: int, n_bulletins: int = N_BULLETINS) -> dict[str, np.ndarray]:
    """Labels that depend on nothing but the number of domains, and scores that err with `noise`."""
    places = [(b, p, s) for b in range(n_bulletins) for p in range(N_PARAGRAPHS) for s in range(N_SENTENCES)]
    y_true = (np.random.default_rng(7).random((len(places), len(ids))) < 0.3).astype(np.int8)
    rng = np.random.default_rng(seed)
    y_proba = np.clip(np.abs(y_true - rng.beta(0.6, 3, y_true.shape) - noise * rng.random(y_true.shape)), 0, 1)
    return {
        "ids": np.array([f"b{b:02}.{p}.{s}" for b, p, s in places]),
        "bulletins": np.array([f"b{b:02}" for b, _, _ in places]),
        "paragraphs": np.array([p for _, p, _ in places]),
        "y_true": y_true,
        "y_proba": y_proba.astype(np.float32),
        "thresholds": np.full(len(ids), 0.5),
        "domains": np.array(ids),
    }


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _sentences(arrays: dict[str, np.ndarray]) -> str:
    rows = zip(arrays["ids"], arrays["bulletins"], arrays["paragraphs"], strict=True)
    return "".join(
        json.dumps(
            {"id": str(id), "bulletin": str(b), "paragraph": int(p), "text": f"第{id}句：民警巡逻。", "title": "通报"},
            ensure_ascii=False,
        ) + "\n"
        for id, b, p in rows
    )  # fmt: skip


def _domains(ids: tuple[str, ...]) -> dict[str, Any]:
    domains = [{"id": id, "zh": f"领域{i}", "en": id.title(), "color": "#123456"} for i, id in enumerate(ids)]
    return {"version": 1, "domains": domains}


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run folder as `tagger train` does: ``make_run(name, noise=…, seed=…, config={…})``."""

    def make(
        name: str, *, ids: tuple[str, ...] = IDS, noise: float = 0.2, seed: int = 1, data_hash: str = "ab" * 32,
        config: dict[str, Any] | None = None, test: bool = False, domains: dict[str, Any] | None = None,
        drop: int = 0, kind: str = "tfidf", split_hash: str = "cd" * 32,
    ) -> Path:  # fmt: skip
        folder = tmp_path / "runs" / name
        (folder / "model").mkdir(parents=True)
        arrays = make_arrays(ids, noise, seed)
        kept = {k: v if k in ("thresholds", "domains") else v[drop:] for k, v in arrays.items()}
        write_arrays(folder / "out_of_fold.npz", kept)
        if test:
            write_arrays(folder / "test.npz", arrays)
        summary = summarize(
            kept["y_true"], kept["y_proba"], kept["thresholds"], bulletins=kept["bulletins"],
            paragraphs=kept["paragraphs"], ids=ids,
        )  # fmt: skip
        gain = {way: {"f1_micro": 0.8 + i / 100, "f1_macro": 0.7} for i, way in
                enumerate(("half", "shared", "own", "shrunk"))}  # fmt: skip
        cost = {"seconds": 12.5, "size_bytes": 2_000_000, "sentences_per_second": 900.0}
        metrics = {"out_of_fold": to_json(summary), "thresholds": {"gain": gain}, "cost": cost}
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        facts = {"format": 1, "kind": kind, "seed": seed, "seconds": 12.5, "data": {"hash": data_hash},
                 "split_hash": split_hash,
                 "machine": {"platform": "Linux"}, "libraries": {"numpy": "2"}}  # fmt: skip
        (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        config = {"seed": seed, "output": str(folder), "model": {"kind": kind, "noise": noise}, **(config or {})}
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (folder / "sentences.jsonl").write_text(_sentences(kept), encoding="utf-8")
        curve = [
            {"part": part, "step": step, "loss": 1 / (1 + step)} for part in ("fold 1", "fold 2") for step in (0, 5)
        ]
        (folder / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in curve), encoding="utf-8")
        (folder / "model" / "domains.json").write_text(json.dumps(domains or _domains(ids)), encoding="utf-8")
        return folder

    return make
