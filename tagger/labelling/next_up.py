"""Which paragraphs are most worth labelling next: doubt, disagreement of models, diversity, rare domains.

Arrays in, choices out: the scores come from outside, so that a shipped model, one trained this
morning and the simulation in ``experiments/active_learning`` all choose by the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True)
class Strategy:
    """How paragraphs are weighed; the defaults are those of ``experiments/active_learning``.

    Attributes
    ----------
    overhead : float
        What opening a task costs, in sentences read: worth is doubt by cost, and the cost of a
        paragraph is this plus its sentences. 0 favours single sentences, much favours long paragraphs.
    disagreement : float
        Weight of the models' disagreement where the first model's doubt weighs 1.
    diversity : float
        In [0, 1): weight of being unlike what is chosen already, where worth weighs the rest.
    candidates : int
        The diverse ones are chosen among the best of so many times the number asked for.
    rare_below : int
        A domain with fewer labelled paragraphs is rare, as is one with less than half of the mean;
        each rare domain gets an equal share of the batch, and one share goes to the others.
    """

    overhead: float = 0.5
    disagreement: float = 0.5
    diversity: float = 0.3
    candidates: int = 5
    rare_below: int = 20


@dataclass(frozen=True)
class Pool:
    """Paragraphs to choose from.

    Attributes
    ----------
    unit_of : ndarray of shape (n_sentences,), int
        The number of each sentence's paragraph, in [0, n_units).
    y_proba : ndarray of shape (n_models, n_sentences, n_domains)
        Scores in [0, 1]; the first model is the one to be improved.
    thresholds : ndarray of shape (n_models, n_domains)
        In (0, 1).
    vectors : csr_matrix of shape (n_units, n_features)
        Rows of length 1 (`vectors_of`).
    """

    unit_of: np.ndarray
    y_proba: np.ndarray
    thresholds: np.ndarray
    vectors: sp.csr_matrix

    @property
    def n_units(self) -> int:
        """Paragraphs."""
        return self.vectors.shape[0]


@dataclass(frozen=True)
class Choice:
    """One paragraph to label.

    Attributes
    ----------
    unit : int
        Its number in the pool.
    worth : float
        Doubt by cost, >= 0; comparable within one batch.
    sentence : int
        The number of its most doubtful sentence in the pool; for a quota, of the likeliest one.
    column : int
        The domain that this sentence is most doubtful in, or that the quota is for.
    quota : bool
        Whether it was chosen for a rare domain.
    """

    unit: int
    worth: float
    sentence: int
    column: int
    quota: bool = False


@dataclass
class _Batch:
    """What is chosen so far, and how like it every paragraph is."""

    vectors: sp.csr_matrix
    similarity: np.ndarray
    taken: set[int] = field(default_factory=set)

    def add(self, unit: int) -> None:
        row = self.vectors[[unit]].toarray()[0]
        self.similarity = np.maximum(self.similarity, self.vectors @ row)
        self.taken.add(unit)


def choose_next(
    pool: Pool, n: int, *, positives: np.ndarray | None = None, allowed: np.ndarray | None = None,
    strategy: Strategy | None = None,
) -> list[Choice]:  # fmt: skip
    """The paragraphs most worth labelling, best first, those for rare domains before the others.

    Parameters
    ----------
    pool : Pool
    n : int
        How many; fewer come back where the pool has no more.
    positives : ndarray of shape (n_domains,), optional
        Labelled paragraphs of each domain so far; none at all by default, when every domain is rare.
    allowed : ndarray of shape (n_units,), bool, optional
        Paragraphs that may be chosen; by default all.
    strategy : Strategy, optional

    Notes
    -----
    Uncertainty sampling (Lewis and Gale 1994) around each domain's threshold, query by committee
    (Seung et al. 1992) between the models, and maximal marginal relevance (Carbonell and Goldstein
    1998) against batches of near-copies. No randomness: the same pool gives the same choice.
    """
    strategy = strategy or Strategy()
    n_domains = pool.y_proba.shape[2]
    free = np.ones(pool.n_units, dtype=bool) if allowed is None else allowed.copy()
    batch = _Batch(pool.vectors, np.zeros(pool.n_units))
    rare = rare_domains(np.zeros(n_domains) if positives is None else positives, strategy)
    choices: list[Choice] = []
    for column in rare:
        choices += _for_domain(pool, int(column), n // (len(rare) + 1), free, batch, strategy)
    worth = weigh(pool, strategy)
    picked = _diverse(worth, n - len(choices), free, batch, strategy)
    doubt = uncertainty(pool.y_proba[0], pool.thresholds[0])
    return choices + [_choice(unit, worth, doubt, pool.unit_of, None) for unit in picked]


def uncertainty(y_proba: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How near scores are to their thresholds: 1 at the threshold, 0 at 0 and at 1; the shape of `y_proba`."""
    return 1 - 2 * np.abs(centred(y_proba, thresholds) - 0.5)


def centred(y_proba: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Scores stretched so that the threshold lies at 0.5: what models of other calibration can be compared by.

    Parameters
    ----------
    y_proba : ndarray of shape (n_texts, n_domains) or (n_texts,)
        In [0, 1].
    thresholds : ndarray of shape (n_domains,), or float
        In (0, 1).

    Returns
    -------
    ndarray of the shape of `y_proba`
        float64 in [0, 1].
    """
    below = 0.5 * y_proba / thresholds
    above = 0.5 + 0.5 * (y_proba - thresholds) / (1 - thresholds)
    return np.where(y_proba < thresholds, below, above)


def weigh(pool: Pool, strategy: Strategy) -> np.ndarray:
    """What each paragraph is worth, float64, shape (n_units,): its sentences' doubt by its cost.

    The doubt of a sentence is that of its most doubtful domain, squared, since many sentences
    that are all but sure must not outweigh one that is open; and the widest gap between two models.
    """
    doubt = uncertainty(pool.y_proba[0], pool.thresholds[0]).max(axis=1) ** 2
    if len(pool.y_proba) > 1 and strategy.disagreement:
        scores = np.stack([centred(p, t) for p, t in zip(pool.y_proba, pool.thresholds, strict=True)])
        doubt = doubt + strategy.disagreement * np.ptp(scores, axis=0).max(axis=1)
    n_sentences = np.bincount(pool.unit_of, minlength=pool.n_units)
    total = np.bincount(pool.unit_of, weights=doubt, minlength=pool.n_units)
    # A paragraph without a sentence (page furniture alone) costs something and is worth nothing.
    return total / np.maximum(strategy.overhead + n_sentences, 1e-9)


def rare_domains(positives: np.ndarray, strategy: Strategy) -> np.ndarray:
    """Columns of the domains that have too few labelled paragraphs, the rarest first.

    Parameters
    ----------
    positives : ndarray of shape (n_domains,), int
        Labelled paragraphs of each domain.
    strategy : Strategy

    Returns
    -------
    ndarray of shape (n_rare,), int
    """
    is_rare = positives < max(strategy.rare_below, positives.mean() / 2)
    order = np.argsort(positives, kind="stable")
    return order[is_rare[order]]


def vectors_of(texts: Sequence[str]) -> sp.csr_matrix:
    """Cheap vectors for likeness: TF-IDF over pairs and triples of characters, hashed; rows of length 1.

    Shape (n_texts, 2 ** 18), float64.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashed = HashingVectorizer(analyzer="char", ngram_range=(2, 3), n_features=2**18, alternate_sign=False, norm=None)
    return TfidfTransformer(sublinear_tf=True).fit_transform(hashed.transform(texts)).tocsr()


def _for_domain(pool: Pool, column: int, n: int, free: np.ndarray, batch: _Batch, strategy: Strategy) -> list[Choice]:
    """Paragraphs that are likeliest to be of a rare domain, by any of the models."""
    likely = np.max(
        [centred(p[:, column], t[column]) for p, t in zip(pool.y_proba, pool.thresholds, strict=True)], axis=0
    )
    worth = np.zeros(pool.n_units)
    np.maximum.at(worth, pool.unit_of, likely)
    picked = _diverse(worth, n, free, batch, strategy)
    scores = np.zeros((len(likely), pool.y_proba.shape[2]))
    scores[:, column] = likely
    return [_choice(unit, worth, scores, pool.unit_of, column) for unit in picked]


def _diverse(worth: np.ndarray, n: int, free: np.ndarray, batch: _Batch, strategy: Strategy) -> list[int]:
    """The best free paragraphs, each weighed against its likeness to those chosen before; they are no longer free."""
    best = np.argsort(-np.where(free, worth, -np.inf), kind="stable")[: min(n * strategy.candidates, int(free.sum()))]
    spread = np.ptp(worth[best]) if len(best) else 0.0
    scaled = (worth[best] - worth[best].min()) / spread if spread > 0 else np.zeros(len(best))
    picked: list[int] = []
    is_left = np.ones(len(best), dtype=bool)
    for _ in range(min(n, len(best))):
        value = (1 - strategy.diversity) * scaled - strategy.diversity * batch.similarity[best]
        place = int(np.argmax(np.where(is_left, value, -np.inf)))
        is_left[place] = False
        picked.append(int(best[place]))
        batch.add(picked[-1])
    free[picked] = False
    return picked


def _choice(unit: int, worth: np.ndarray, doubt: np.ndarray, unit_of: np.ndarray, quota: int | None) -> Choice:
    rows = np.flatnonzero(unit_of == unit)
    sentence, column = np.unravel_index(int(doubt[rows].argmax()), doubt[rows].shape) if len(rows) else (0, 0)
    first = int(rows[sentence]) if len(rows) else -1
    return Choice(unit, float(worth[unit]), first, int(column) if quota is None else quota, quota is not None)
