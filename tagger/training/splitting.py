"""The split that a config names, checked for leaks."""

from __future__ import annotations

import logging

import numpy as np

from tagger.corpus.duplicates import DuplicateRule, Link, group_bulletins, link_bulletins
from tagger.corpus.examples import Examples
from tagger.corpus.leakage import check_leakage
from tagger.corpus.splits import Split, bulletins_trained_on, read_split, split_by_source, split_grouped
from tagger.errors import UsageError, did_you_mean
from tagger.training.config import SplitConfig, TrainConfig

log = logging.getLogger(__name__)

KINDS = ("grouped", "leave_one_source_out")
#: The links of the data that were looked at last: a run asks several times, and the search takes seconds.
_last: dict[tuple[str, DuplicateRule], list[Link]] = {}


def make_split(config: TrainConfig, examples: Examples) -> Split:
    """The split of a config, with its leakage report.

    Parameters
    ----------
    config : TrainConfig
        Its ``split`` and ``seed``.
    examples : Examples

    Returns
    -------
    Split
        The same for the same examples, settings and seed.

    Raises
    ------
    UsageError
        Settings that give no split of these examples.
    InputError, CorpusError
        ``split.file`` is no split, is one of other data, or leaks; a bulletin without a source.
    """
    settings = config.split
    _check(settings)
    links = _links(examples, DuplicateRule(settings.similarity, settings.min_chars))
    if settings.file:
        split = read_split(settings.file, examples.bulletins, links)
        return check_leakage(split, examples, where=settings.file)
    try:
        if settings.kind == "grouped":
            split = split_grouped(
                examples.y_true, examples.bulletins, links, n_folds=settings.n_folds, seed=config.seed
            )
        else:
            split = split_by_source(examples.sources, examples.bulletins, links, seed=config.seed)
    except ValueError as error:
        raise UsageError(str(error), where="training", hint="More bulletins or fewer folds.") from None
    return check_leakage(split, examples, where=f"split={settings.kind}")


def group_by_text(config: TrainConfig, examples: Examples) -> dict[str, str]:
    """Bulletin -> the group that it stays with in every split, within a fold too: bulletins that share text."""
    links = _links(examples, DuplicateRule(config.split.similarity, config.split.min_chars))
    return dict(zip(examples.bulletins.tolist(), group_bulletins(examples.bulletins, links).tolist(), strict=True))


def rows_to_fit(config: TrainConfig, examples: Examples, rows: np.ndarray) -> np.ndarray:
    """Of rows on a training side, those to fit on: no furniture, and the share of ``data.share``.

    Parameters
    ----------
    rows : ndarray of int
        All rows for the final model, which then learns from the same share.

    Raises
    ------
    UsageError
        A share that is not in (0, 1].
    """
    share = config.data.share
    if not 0 < share <= 1:
        raise UsageError(f"found {share:g}, expected a number above 0, up to 1", where="data.share")
    rows = rows[~examples.noise[rows]]
    if share == 1:
        return rows
    return rows[bulletins_trained_on(examples.bulletins[rows], share=share, seed=config.seed)]


def with_copies(examples: Examples, copies: Examples, rows: np.ndarray) -> Examples:
    """Some examples, by their numbers, and the damaged copies of their bulletins; copies of furniture left out."""
    part = examples.take(rows)
    return part.join(copies.take(np.isin(copies.bulletins, part.bulletins) & ~copies.noise))


def _check(settings: SplitConfig) -> None:
    if settings.kind not in KINDS:
        raise UsageError(f"unknown kind {settings.kind!r}", where="split.kind", hint=did_you_mean(settings.kind, KINDS))
    if not 0.5 <= settings.similarity <= 1:
        raise UsageError(f"found {settings.similarity:g}, expected 0.5 to 1", where="split.similarity")


def _links(examples: Examples, rule: DuplicateRule) -> list[Link]:
    key = (examples.hash, rule)
    if key not in _last:
        _last.clear()
        _last[key] = link_bulletins(examples, rule)
        if links := _last[key]:
            log.info("%d pairs of bulletins share text and stay together, such as %s and %s",
                     len(links), *links[0].ids)  # fmt: skip
    return _last[key]
