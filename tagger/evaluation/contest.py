"""Runs set against each other on the texts that all of them have; those of one configuration count as one side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.errors import InputError, UsageError
from tagger.evaluation.comparison import bootstrap_of_seeds, correct_together, mcnemar
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import Run, flatten, group_runs, same_domains
from tagger.evaluation.scores import Scores

#: Resamples when nothing is said: at least the first, more for many tests, at most the second.
_FEWEST, _MOST = 2000, 20_000


@dataclass(frozen=True)
class Side:
    """Runs that differ in their seeds alone."""

    name: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Contest:
    """What came of setting runs against each other.

    Attributes
    ----------
    part : {"out_of_fold", "test"}
    level : {"sentence", "paragraph", "bulletin"}
    domains : DomainSet
    sides : list of Side
    scores : dict
        Name of a run -> its scores of the shared units, in one order for all.
    left_out : dict
        Name of a run -> how many of its sentences another run lacks.
    pairs : list of dict
        For each two sides: ``a`` and ``b``, their names; ``comparison``, see
        `tagger.evaluation.comparison.bootstrap_of_seeds`, with ``mcnemar``, a list by domain where
        each side is one run, else None.
    """

    part: str
    level: str
    domains: DomainSet
    sides: list[Side]
    scores: dict[str, Scores]
    left_out: dict[str, int]
    pairs: list[dict[str, Any]]

    @property
    def n_units(self) -> int:
        """How many units the figures are of."""
        return len(next(iter(self.scores.values())))

    @property
    def n_bulletins(self) -> int:
        """And of how many bulletins."""
        return len(np.unique(next(iter(self.scores.values())).bulletins))


def other_folds(contest: Contest) -> list[str]:
    """Runs that were not scored on the same folds: the first one's name, then those that differ from it.

    Runs of other folds are paired on texts that one of them may have seen more of the neighbourhood
    of; of the test set there are no folds. Seeds draw their own folds, so of a side of several seeds
    the first run stands for all.

    Returns
    -------
    list of str
        Empty where all are alike.
    """
    if contest.part != "out_of_fold":
        return []
    first, *others = [side.runs[0] for side in contest.sides]
    differ = [run.name for run in others if run.split_hash != first.split_hash]
    return [first.name, *differ] if differ else []


def other_bulletins(contest: Contest) -> dict[str, dict[str, Any]]:
    """Name of a run -> `tagger.evaluation.runs.Run.other_bulletins`; none of larger units or of the test set."""
    if contest.part != "out_of_fold" or contest.level != "sentence":
        return {}
    return {run.name: run.other_bulletins for side in contest.sides for run in side.runs}


def make_sides(runs: Sequence[Run]) -> list[Side]:
    """Runs of one configuration together; two runs with the same seed stand alone.

    A side of several runs is called like its first run, with the number of seeds.
    """
    sides: list[Side] = []
    for group in group_runs(runs):
        if len({run.seed for run in group}) < len(group) or len(group) == 1:
            sides += [Side(run.name, (run,)) for run in group]
        else:
            sides.append(Side(f"{group[0].name} ({len(group)} seeds)", tuple(group)))
    return sides


def hold_contest(
    runs: Sequence[Run], part: str = "out_of_fold", level: str = "sentence", *,
    n_resamples: int | None = None, seed: int = 0,
) -> Contest:  # fmt: skip
    """Compare every two sides on the texts that all runs have.

    Parameters
    ----------
    runs : sequence of Run
        Two or more, with names of their own.
    part : {"out_of_fold", "test"}
    level : {"sentence", "paragraph", "bulletin"}
        A larger unit has the labels and the tags of its shared sentences.
    n_resamples : int, optional
        Of the bootstrap; by default 2000, or 50 a test where there are more than 40 tests, so that
        a p-value can be small enough to stay small after the correction; at most 20,000.
    seed : int, default=0

    Raises
    ------
    UsageError
        Fewer than two sides, or a run without test scores.
    InputError
        The runs are of other data, labels or domains, or share no text.
    """
    sides = make_sides(runs)
    if len(sides) < 2:
        raise UsageError(
            f"{len(runs)} run{'s' if len(runs) != 1 else ''} of one configuration, expected two configurations",
            where="compare", hint="Runs that differ in their seeds alone count as one.",
        )  # fmt: skip
    domains = same_domains(runs)
    shared, left_out = match_scores(runs, part)
    scores = {name: found.at_level(level) for name, found in shared.items()}
    n_tests = math.comb(len(sides), 2) * len(domains)
    n_resamples = n_resamples or min(_MOST, max(_FEWEST, 50 * n_tests))
    pairs = [_compare(a, b, scores, n_resamples, seed) for a, b in combinations(sides, 2)]
    if len(pairs) > 1:
        corrected = correct_together([pair["comparison"] for pair in pairs])
        pairs = [{**pair, "comparison": comparison} for pair, comparison in zip(pairs, corrected, strict=True)]
    return Contest(part, level, domains, sides, scores, left_out, pairs)


def _compare(a: Side, b: Side, scores: dict[str, Scores], n_resamples: int, seed: int) -> dict[str, Any]:
    first = scores[a.runs[0].name]
    tags_a, tags_b = ([scores[run.name].y_pred for run in side.runs] for side in (a, b))
    comparison = bootstrap_of_seeds(
        first.y_true, tags_a, tags_b, first.bulletins, n_resamples=n_resamples, seed=seed
    )  # fmt: skip
    single = len(tags_a) == len(tags_b) == 1
    comparison["mcnemar"] = mcnemar(first.y_true, tags_a[0], tags_b[0]) if single else None
    return {"a": a.name, "b": b.name, "comparison": comparison}


def match_scores(runs: Sequence[Run], part: str) -> tuple[dict[str, Scores], dict[str, int]]:
    """The sentences that all runs have, in the first one's order, and how many each has besides.

    Raises
    ------
    UsageError
        A run has no such scores.
    InputError
        The runs share no sentence, or what they share has other labels or stands in other bulletins.
    """
    found = {run.name: _scores_of(run, part) for run in runs}
    _check_data(runs, part)
    common = set.intersection(*(set(scores.ids.tolist()) for scores in found.values()))
    if not common:
        raise InputError(
            f"no sentence in common with {runs[0].name}", where=runs[1].path, hint="They are of other data."
        )
    order = [id for id in found[runs[0].name].ids.tolist() if id in common]
    matched = {name: _in_order(scores, order) for name, scores in found.items()}
    for run in runs[1:]:
        _check_same(runs[0], run, matched, part)
    return matched, {name: len(scores) - len(order) for name, scores in found.items()}


def _scores_of(run: Run, part: str) -> Scores:
    scores = run.scores(part)
    if scores is None:
        raise UsageError("has no test scores", where=run.path, hint="Train with data.test=FILE, or leave out --test.")
    return scores


def _check_data(runs: Sequence[Run], part: str) -> None:
    """Of the test set the run keeps no hash: its sentences are compared one by one."""
    for run in runs[1:]:
        if part == "out_of_fold" and run.data_hash != runs[0].data_hash:
            raise InputError(
                f"trained on data {run.data_hash[:12] or '(not said)'}, expected that of {runs[0].name}: "
                f"{runs[0].data_hash[:12] or '(not said)'}", where=run.path,
                hint="Scores on other data cannot be compared; a test set for both can: --test.",
            )  # fmt: skip


def _in_order(scores: Scores, order: list[str]) -> Scores:
    row = {id: i for i, id in enumerate(scores.ids.tolist())}
    return scores.take(np.array([row[id] for id in order]))


def _check_same(first: Run, run: Run, matched: dict[str, Scores], part: str) -> None:
    one, other = matched[first.name], matched[run.name]
    differs = (one.y_true != other.y_true).any(axis=1) | (one.bulletins != other.bulletins)
    differs |= one.paragraphs != other.paragraphs
    if part == "test":
        differs |= np.array([_text(first, id) != _text(run, id) for id in one.ids.tolist()])
    if differs.any():
        raise InputError(
            f"{int(differs.sum())} sentences have another text, place or labels than in {first.name}, "
            f"such as {one.ids[np.flatnonzero(differs)[0]]}", where=run.path, hint="Compare runs on the same labels.",
        )  # fmt: skip


def _text(run: Run, id: str) -> str | None:
    sentence = run.sentences.get(id)
    return sentence.text if sentence else None


def differences(contest: Contest) -> Iterator[dict[str, Any]]:
    """The units that not all runs tag alike, the ones they are surest about first.

    Yields
    ------
    dict
        ``id, bulletin``; ``text``; ``domains``, the labels; ``differs``, the domains in question;
        ``tags{run: [domain]}``; ``scores{run: {domain: score}}`` of the domains in question.
    """
    names = list(contest.scores)
    tags = np.stack([contest.scores[name].y_pred for name in names])
    differs = (tags != tags[0]).any(axis=0)
    margins = np.stack([np.abs(s.y_proba - s.thresholds) for s in contest.scores.values()])
    surest = np.where(differs, margins.min(axis=0), -1).max(axis=1)
    rows = np.flatnonzero(differs.any(axis=1))
    texts = unit_texts(contest)
    for row in rows[np.argsort(-surest[rows], kind="stable")].tolist():
        yield _difference(contest, row, differs[row], texts)


def _difference(contest: Contest, row: int, differs: np.ndarray, texts: dict[str, str]) -> dict[str, Any]:
    first = next(iter(contest.scores.values()))
    decode, columns = contest.domains.decode, np.flatnonzero(differs)
    id = str(first.ids[row])
    return {
        "id": id,
        "bulletin": str(first.bulletins[row]),
        "text": texts.get(id, ""),
        "domains": list(decode(first.y_true[[row]])[0]),
        "differs": [contest.domains.ids[c] for c in columns],
        "tags": {name: list(decode(s.y_pred[[row]])[0]) for name, s in contest.scores.items()},
        "scores": {
            name: {contest.domains.ids[c]: round(float(s.y_proba[row, c]), 4) for c in columns}
            for name, s in contest.scores.items()
        },
    }


def unit_texts(contest: Contest) -> dict[str, str]:
    """Id of a unit -> the sentences of it, joined, as the first run has them."""
    texts: dict[str, list[str]] = {}
    for sentence in contest.sides[0].runs[0].sentences.values():
        ids = {"sentence": sentence.id, "paragraph": f"{sentence.bulletin}.{sentence.paragraph}"}
        texts.setdefault(ids.get(contest.level, sentence.bulletin), []).append(sentence.text)
    return {id: "".join(parts) for id, parts in texts.items()}


def spread(side: Side, contest: Contest) -> dict[str, dict[str, float]]:
    """How much the seed alone moves the figures of a side.

    Returns
    -------
    dict
        ``f1_micro`` and ``f1_macro``, each ``mean, sd, low, high``; sd is the sample's, with n - 1,
        and 0 of a single run.
    """
    figures = [score(s.y_true, s.y_pred, contest.domains.ids) for s in (contest.scores[r.name] for r in side.runs)]
    return {name: _spread([f[name] for f in figures]) for name in ("f1_micro", "f1_macro")}


def _spread(values: list[float]) -> dict[str, float]:
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "sd": sd, "low": min(values), "high": max(values)}


def config_difference(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The settings in which runs differ: dotted key -> the value of each run, None where it has none."""
    flat = [flatten(run.config) for run in runs]
    keys = dict.fromkeys(key for config in flat for key in config if key != "output")
    found = {key: [config.get(key) for config in flat] for key in keys}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}
