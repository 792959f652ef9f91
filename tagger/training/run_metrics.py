"""The figures of a run: at three levels, of its thresholds, and of its cost."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.evaluation.summary import summarize
from tagger.models.classifier import Classifier
from tagger.training.run_folder import Scored
from tagger.training.threshold_gain import threshold_gain
from tagger.training.trained import Trained

#: Sentences that the speed is measured on.
_N_TIMED = 500


def measure_run(trained: Trained, scored: Scored, domains: DomainSet, *, shrinkage: float) -> dict[str, Any]:
    """What ``metrics.json`` holds, but for the seconds of the run and the size of its model.

    Parameters
    ----------
    trained : Trained
    scored : Scored
        Out of fold, without rows that were not scored.
    domains : DomainSet
    shrinkage : float
        Of the thresholds.
    """
    examples, y_proba = scored.examples, scored.y_proba
    is_text = ~examples.noise
    gain = threshold_gain(examples.y_true[is_text], y_proba[is_text], examples.bulletins[is_text], shrinkage=shrinkage)
    values = dict(zip(domains.ids, np.asarray(trained.thresholds, dtype=float).tolist(), strict=True))
    return {
        "out_of_fold": summarize_scored(scored, trained.thresholds, domains),
        "thresholds": {"values": values, "gain": gain},
        "cost": {**trained.metrics.get("cost", {}), **_measure_cost(trained.classifier, scored)},
    }  # fmt: skip


def summarize_scored(scored: Scored, thresholds: np.ndarray, domains: DomainSet) -> dict[str, Any]:
    """See `tagger.evaluation.summary.summarize`."""
    examples = scored.examples
    return summarize(
        examples.y_true, scored.y_proba, thresholds,
        bulletins=examples.bulletins, paragraphs=examples.paragraphs, ids=domains.ids,
    )  # fmt: skip


def _measure_cost(classifier: Classifier, scored: Scored) -> dict[str, float]:
    texts = scored.examples.texts[:_N_TIMED]
    started = time.perf_counter()
    classifier.predict_proba(texts)
    speed = len(texts) / (time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"sentences_per_second": round(speed, 1), "peak_memory_mib": round(peak)}
