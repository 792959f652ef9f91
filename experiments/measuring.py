"""For all experiment scripts: train a config, measure it out of fold and on labelled real text."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tagger.corpus.examples import Examples, examples_from_jsonl  # noqa: E402
from tagger.domains import DomainSet  # noqa: E402
from tagger.evaluation.intervals import bootstrap_interval  # noqa: E402
from tagger.evaluation.metrics import score  # noqa: E402
from tagger.training.composing import compose  # noqa: E402
from tagger.training.data import load_examples  # noqa: E402
from tagger.training.run import train  # noqa: E402

#: Real sentences that no model is trained, tuned or selected on.
SEEDS = ROOT.parent / "shared" / "gold" / "seeds.jsonl"


def data() -> tuple[DomainSet, Examples, Examples | None]:
    """The domains, the corpus, and the real sentences where they are there."""
    domains, examples, _ = load_examples(compose())
    return domains, examples, examples_from_jsonl(SEEDS, domains) if SEEDS.exists() else None


def measure(overrides: Sequence[str], domains: DomainSet, examples: Examples, seeds: Examples | None) -> dict[str, Any]:
    """Train one config; its figures out of fold and on the real sentences."""
    started = time.perf_counter()
    config = compose(overrides)
    copies = load_examples(config)[2] if config.augmentation.share else None
    trained = train(config, examples, domains, copies)
    row: dict[str, Any] = {
        "overrides": list(overrides), "n_bulletins": len(np.unique(examples.bulletins)), "n_texts": len(examples),
        "seconds": round(time.perf_counter() - started, 1), "out_of_fold": trained.metrics,
    }  # fmt: skip
    if seeds is not None:
        y_proba = trained.classifier.predict_proba(seeds.texts)
        y_pred = ((y_proba >= trained.thresholds) & ~seeds.noise[:, None]).astype(np.int8)
        interval = bootstrap_interval(seeds.y_true, y_pred, seeds.bulletins)
        row["seeds"] = {**score(seeds.y_true, y_pred, domains.ids), "interval_95": interval}
    return row


def figure(metrics: dict[str, Any] | None, name: str) -> str:
    """A figure with its 95 % interval."""
    if metrics is None:
        return "—"
    low, high = metrics["interval_95"][name]
    return f"{metrics[name]:.3f} [{low:.3f}, {high:.3f}]"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write(folder: Path, report: str, results: Any) -> None:
    """The report and the figures behind it."""
    (folder / "README.md").write_text(report, encoding="utf-8")
    text = json.dumps(results, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    print(report)
