"""What a network is trained on, batch by batch: decided before the first step, by the seed.

A plan that exists as a whole makes a resumed run equal to an uninterrupted one, and tells
how many steps, and so how many minutes, are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagger.bulletins.context import Page
from tagger.corpus.examples import Examples
from tagger.models.passages import EncodedPage, PageCutter, Passage


@dataclass(frozen=True)
class LabelledPage:
    """A page and, for each of its sentences, the row of its labels.

    Attributes
    ----------
    page : EncodedPage
    rows : ndarray of shape (n_sentences,)
        Row numbers in the examples; -1 for a sentence that is not to be trained on.
    """

    page: EncodedPage
    rows: np.ndarray


@dataclass(frozen=True)
class LabelledPassage:
    """A passage and the row of each of its spans; -1 for a span that is only context."""

    passage: Passage
    rows: np.ndarray


def labelled_pages(examples: Examples, cutter: PageCutter) -> list[LabelledPage]:
    """The pages that examples stand on, in the order of their first example."""
    rows_of: dict[int, dict[int, int]] = {}
    pages: dict[int, Page] = {}  # holds them, so that no two get the same identity
    for row, text in enumerate(examples.texts):
        page, position = text.on_page()
        pages[id(page)] = page
        rows_of.setdefault(id(page), {})[position] = row
    encoded = cutter.encode(list(pages.values()))
    return [
        LabelledPage(page, np.array([rows_of[key].get(i, -1) for i in range(len(page.sentences))]))
        for key, page in zip(pages, encoded, strict=True)
    ]


def plan_batches(
    pages: Sequence[LabelledPage], cutter: PageCutter, *, n_epochs: int, lengths: Sequence[int],
    budget: int, rng: np.random.Generator,
) -> list[list[LabelledPassage]]:  # fmt: skip
    """All batches of a training run.

    Every epoch cuts every page anew, each to a length drawn from `lengths`, so that a
    sentence is seen with more and with less around it. Batches are of like length, which
    saves more than half of the time, and in random order.

    Parameters
    ----------
    pages : sequence of LabelledPage
    cutter : PageCutter
    n_epochs : int
    lengths : sequence of int
        Values for the most pieces in a passage.
    budget : int
        Most pieces in a batch, filling included.
    rng : numpy.random.Generator
    """
    epochs = (_epoch(pages, cutter, lengths, budget, rng) for _ in range(n_epochs))
    return [batch for epoch in epochs for batch in epoch]


def _epoch(
    pages: Sequence[LabelledPage], cutter: PageCutter, lengths: Sequence[int], budget: int, rng: np.random.Generator
) -> list[list[LabelledPassage]]:
    drawn = rng.choice(lengths, size=len(pages))
    passages = [p for page, length in zip(pages, drawn, strict=True) for p in cut_labelled(page, cutter, int(length))]
    jitter = rng.random(len(passages)) * 0.1 * max(lengths)
    order = np.argsort([-len(p.passage.ids) + j for p, j in zip(passages, jitter, strict=True)], kind="stable")
    batches = _batches([passages[i] for i in order], budget)
    return [batches[i] for i in rng.permutation(len(batches))]


def cut_labelled(page: LabelledPage, cutter: PageCutter, max_length: int | None = None) -> list[LabelledPassage]:
    """The passages of a page with the rows of their spans; those without any row are left out."""
    passages = cutter.cut(page.page, max_length)
    labelled = [LabelledPassage(p, page.rows[[span.sentence for span in p.spans]]) for p in passages]
    return [p for p in labelled if (p.rows >= 0).any()]


def _batches(passages: Sequence[LabelledPassage], budget: int) -> list[list[LabelledPassage]]:
    batches: list[list[LabelledPassage]] = [[]]
    longest = 0
    for passage in passages:
        longest = max(longest, len(passage.passage.ids))
        if batches[-1] and longest * (len(batches[-1]) + 1) > budget:
            batches.append([])
            longest = len(passage.passage.ids)
        batches[-1].append(passage)
    return batches
