"""How many labels does `tagger labels next` save, against random order and longest first?

    .venv/bin/python experiments/active_learning/run.py [--seeds 1 2 3 4 5] [--workers 1]

Each seed draws another 30 % of the bulletins for testing. Runs are kept in `results.json` as they end, so that the same
command goes on where it was cut off; `learning_curve.png` shows the means.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import data

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.evaluation.metrics import score
from tagger.labelling.next_up import Pool, choose_next, vectors_of
from tagger.labelling.stopping import stopping_hint
from tagger.models.features import TextFeatures
from tagger.models.lexicon import load_lexicon
from tagger.models.linear_head import LinearHead
from tagger.models.thresholds import choose_thresholds
from tagger.project import project_path

HERE = Path(__file__).parent
SEEDS = (1, 2, 3, 4, 5)
STRATEGIES = ("random", "longest", "next")
COLD_START, BATCH = 50, 100
#: A simulated annotator of `next` stops at this share of the pool's paragraphs: the bar is below it.
SHARE = 0.62
TEST_SHARE = 0.3
FIXED = (50, 100, 150, 250, 350, 450, 650, 850, 1050, 1250, 1550, 1850, 2250)


class Simulation:
    """One split of the corpus: paragraphs to label, and bulletins to test on."""

    def __init__(self, seed: int) -> None:
        domains, examples, self.lexicon_proba = _corpus()
        self.domains, self.examples, self.rng = domains, examples, np.random.default_rng(seed)
        names = self.rng.permutation(np.unique(examples.bulletins))
        is_test = np.isin(examples.bulletins, names[: round(TEST_SHARE * len(names))])
        self.test, self.pool = np.flatnonzero(is_test), np.flatnonzero(~is_test)
        keys = [f"{b}.{p}" for b, p in zip(examples.bulletins[self.pool], examples.paragraphs[self.pool], strict=True)]
        _, self.unit_of = np.unique(keys, return_inverse=True)
        self.size = np.bincount(self.unit_of)

    @cached_property
    def features(self) -> sp.csr_matrix:
        """Rows for every sentence; the vocabulary is the pool's, whose texts are there before their labels."""
        texts = [text.text for text in self.examples.texts]
        ngrams = TextFeatures(char_ngrams=(1, 2), word_ngrams=None).fit([texts[i] for i in self.pool])
        return sp.hstack([ngrams.transform(texts), sp.csr_matrix(0.7 * self.lexicon_proba)]).tocsr()

    @cached_property
    def vectors(self) -> sp.csr_matrix:
        """Rows for the likeness of the pool's paragraphs."""
        texts = [""] * len(self.size)
        for unit, row in zip(self.unit_of, self.pool, strict=True):
            texts[unit] += self.examples.texts[row].text
        return vectors_of(texts)

    def learn(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores of every sentence, and thresholds, from the labels of some paragraphs."""
        rows = self.pool[np.isin(self.unit_of, units)]
        y, groups = self.examples.y_true[rows], self.examples.bulletins[rows]
        held_out = np.zeros(y.shape)
        for train, test in grouped_folds(y, groups, n_folds=3, seed=0):
            held_out[test] = self._scores(rows[train], rows[test])
        return self._scores(rows, slice(None)), choose_thresholds(y, held_out)

    def _scores(self, rows: np.ndarray, asked: np.ndarray | slice) -> np.ndarray:
        head = LinearHead(tol=1e-2).fit(self.features[rows], self.examples.y_true[rows])
        return expit(2 * head.decision_function(self.features[asked]))

    def point(self, units: np.ndarray, y_proba: np.ndarray, thresholds: np.ndarray) -> dict:
        """One point of a learning curve."""
        y_pred = (y_proba[self.test] >= thresholds).astype(np.int8)
        figures = score(self.examples.y_true[self.test], y_pred, self.domains.ids)
        return {
            "n_paragraphs": len(units), "n_sentences": int(self.size[units].sum()),
            "f1_micro": round(figures["f1_micro"], 5), "f1_macro": round(figures["f1_macro"], 5),
        }  # fmt: skip


@cache
def _corpus() -> tuple:
    domains, examples, _ = data()
    examples: Examples = examples.take(~examples.noise)
    lexicon = load_lexicon(project_path("labels/lexicon.yaml"), domains)
    return domains, examples, lexicon.predict_proba(examples.texts)


def run(strategy: str, seed: int) -> dict:
    """One learning curve."""
    started = time.perf_counter()
    simulation = Simulation(seed)
    curve, kappas = (_active if strategy == "next" else _fixed)(simulation, strategy)
    seconds = round(time.perf_counter() - started, 1)
    sizes = {"n_pool": len(simulation.size), "n_sentences": len(simulation.pool), "n_test": len(simulation.test)}
    row = {"strategy": strategy, "seed": seed, **sizes, "seconds": seconds, "curve": curve}
    return {**row, "kappas": kappas} if kappas else row


def _fixed(simulation: Simulation, strategy: str) -> tuple[list, list]:
    order = simulation.rng.permutation(len(simulation.size))
    if strategy == "longest":
        order = order[np.argsort(-simulation.size[order], kind="stable")]
    sizes = [n for n in FIXED if n < len(order)] + [len(order)] * (strategy == "random")
    return [simulation.point(order[:n], *simulation.learn(order[:n])) for n in sizes], []


def _active(simulation: Simulation, strategy: str) -> tuple[list, list]:
    labelled = np.array([c.unit for c in choose_next(_pool(simulation), COLD_START)])
    curve, y_preds = [], []
    while True:
        y_proba, thresholds = simulation.learn(labelled)
        curve.append(simulation.point(labelled, y_proba, thresholds))
        y_preds.append((y_proba[simulation.pool] >= thresholds).astype(np.int8))
        if len(labelled) >= SHARE * len(simulation.size):
            return curve, list(stopping_hint(y_preds, [p["n_paragraphs"] for p in curve]).kappas)
        allowed = ~np.isin(np.arange(len(simulation.size)), labelled)
        positives = _positives(simulation, labelled)
        choices = choose_next(_pool(simulation, y_proba, thresholds), BATCH, positives=positives, allowed=allowed)
        labelled = np.append(labelled, [c.unit for c in choices])


def _pool(simulation: Simulation, y_proba: np.ndarray | None = None, thresholds: np.ndarray | None = None) -> Pool:
    """The learner and the lexicon; before the first label, the lexicon alone."""
    scores, cuts = [simulation.lexicon_proba[simulation.pool]], [np.full(len(simulation.domains), 0.5)]
    if y_proba is not None:
        scores, cuts = [y_proba[simulation.pool], *scores], [thresholds, *cuts]
    return Pool(simulation.unit_of, np.stack(scores), np.stack(cuts), simulation.vectors)


def _positives(simulation: Simulation, units: np.ndarray) -> np.ndarray:
    """Labelled paragraphs of each domain."""
    union = np.zeros((len(simulation.size), len(simulation.domains)))
    np.maximum.at(union, simulation.unit_of, simulation.examples.y_true[simulation.pool])
    return union[units].sum(axis=0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    chosen = parser.parse_args()
    runs = json.loads(chosen.results.read_text()) if chosen.results.exists() else []
    done = {(r["strategy"], r["seed"]) for r in runs}
    wanted = [(s, seed) for seed in chosen.seeds for s in chosen.strategies if (s, seed) not in done]
    with ProcessPoolExecutor(chosen.workers) as pool:
        for future in as_completed([pool.submit(run, *one) for one in wanted]):
            runs.append(future.result())
            runs.sort(key=lambda r: (r["seed"], r["strategy"]))
            _write(chosen.results, runs)
            print(future.result()["strategy"], future.result()["seed"], future.result()["seconds"], flush=True)
    from report import write_report

    write_report(HERE, runs)


def _write(path: Path, runs: list) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    main()
