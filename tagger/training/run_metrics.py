"""The figures of a run: at three levels, of its thresholds, and of its cost."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.evaluation.summary import summarize
from tagger.models.classifier import Classifier
from tagger.training.environment import peak_memory
from tagger.training.run_folder import Scored
from tagger.training.threshold_gain import cross_fitted_figures, threshold_gain
from tagger.training.trained import Trained

#: Sentences that the speed is measured on.
_N_TIMED = 500


def measure_run(trained: Trained, scored: Scored, domains: DomainSet, *, shrinkage: float | None) -> dict[str, Any]:
    """What ``metrics.json`` holds, but for the seconds of the run and the size of its model.

    Parameters
    ----------
    trained : Trained
    scored : Scored
        Out of fold, without rows that were not scored.
    domains : DomainSet
    shrinkage : float or None
        Of the thresholds; None where none were chosen.

    Returns
    -------
    dict
        ``out_of_fold``, see `summarize_scored`, by the thresholds of the model, which were chosen on
        these very scores; ``thresholds{values, gain, other_bulletins}``, the last two by thresholds
        of other bulletins, see `tagger.training.threshold_gain`; ``cost``.
    """
    text = scored.text.examples
    of = (text.y_true, scored.text.y_proba, text.bulletins)
    gain = threshold_gain(*of, shrinkage=shrinkage or 0.0)
    other_bulletins = cross_fitted_figures(*of, shrinkage=shrinkage, thresholds=trained.thresholds)
    values = dict(zip(domains.ids, np.asarray(trained.thresholds, dtype=float).tolist(), strict=True))
    return {
        "out_of_fold": summarize_scored(scored, trained.thresholds, domains),
        "thresholds": {"values": values, "gain": gain, "other_bulletins": other_bulletins},
        "cost": {**trained.metrics.get("cost", {}), **_measure_cost(trained.classifier, scored), **_peaks(trained)},
    }  # fmt: skip


def _peaks(trained: Trained) -> dict[str, int]:
    """The most memory held, before a cut or after it."""
    before = trained.metrics.get("cost", {})
    return {name: max(value, before.get(name, 0)) for name, value in peak_memory().items()}


def summarize_scored(scored: Scored, thresholds: np.ndarray, domains: DomainSet) -> dict[str, Any]:
    """See `tagger.evaluation.summary.summarize`; page furniture is left out, and counted.

    Returns
    -------
    dict
        What `summarize` gives, with ``furniture{n_texts, n_labelled}``: the lines left out, and
        those of them that bear a label after all, which the rule gets wrong and no figure counts.
    """
    text, is_furniture = scored.text.examples, scored.examples.noise
    figures = summarize(
        text.y_true, scored.text.y_proba, thresholds,
        bulletins=text.bulletins, paragraphs=text.paragraphs, ids=domains.ids,
    )  # fmt: skip
    n_labelled = int(scored.examples.y_true[is_furniture].any(axis=1).sum())
    return {**figures, "furniture": {"n_texts": int(is_furniture.sum()), "n_labelled": n_labelled}}


def _measure_cost(classifier: Classifier, scored: Scored) -> dict[str, float]:
    texts = scored.examples.texts[:_N_TIMED]
    started = time.perf_counter()
    classifier.predict_proba(texts)
    speed = len(texts) / (time.perf_counter() - started)
    return {"sentences_per_second": round(speed, 1)}
