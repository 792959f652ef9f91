"""Page damage on purpose: what converters and careless pages do to a bulletin, seeded.

Training may add damaged copies of its bulletins (``augmentation=damage``), so that a
model meets what the normaliser cannot undo. The corpus itself is never damaged by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tagger.corpus.authored import LabelledBulletin, LabelledSentence

_HALF_WIDTH = str.maketrans("，：；！？（）％", ",:;!?()%")


@dataclass(frozen=True)
class DamageConfig:
    """How much is damaged; every value is a probability in [0, 1].

    Attributes
    ----------
    share : float
        Of the bulletins that get a damaged copy.
    traditional : float
        Of the copies that are put into traditional script.
    pinyin : float
        Of the copies in which a few characters get their pinyin in brackets.
    half_width : float
        Of the copies whose punctuation becomes half-width.
    mojibake : float
        Of the copies in which a few sentences get a run of wrongly decoded characters.
    lost_breaks : float
        Of the copies that lose line breaks: a heading runs into the next sentence.
    """

    share: float = 0.0
    traditional: float = 0.0
    pinyin: float = 0.0
    half_width: float = 0.0
    mojibake: float = 0.0
    lost_breaks: float = 0.0


def damaged_copies(corpus: Sequence[LabelledBulletin], config: DamageConfig, *, seed: int) -> list[LabelledBulletin]:
    """Damaged copies of some bulletins, under the ids of their originals.

    Parameters
    ----------
    corpus : sequence of LabelledBulletin
    config : DamageConfig
    seed : int
        The same seed, corpus and config give the same copies.

    Returns
    -------
    list of LabelledBulletin
        Labels follow their sentences; sentences that run together carry the union.
    """
    rng = np.random.default_rng(seed)
    return [_damage(bulletin, config, rng) for bulletin in corpus if rng.random() < config.share]


def _damage(bulletin: LabelledBulletin, config: DamageConfig, rng: np.random.Generator) -> LabelledBulletin:
    paragraphs = [list(paragraph) for paragraph in bulletin.paragraphs]
    if rng.random() < config.lost_breaks:
        paragraphs = _lose_breaks(paragraphs)
    if rng.random() < config.half_width:
        paragraphs = [[_with_text(s, s.text.translate(_HALF_WIDTH)) for s in p] for p in paragraphs]
    if rng.random() < config.mojibake:
        paragraphs = [[_with_text(s, _garble(s.text, rng)) for s in p] for p in paragraphs]
    if rng.random() < config.traditional:
        paragraphs = [[_with_text(s, _to_traditional(s.text)) for s in p] for p in paragraphs]
    if rng.random() < config.pinyin:
        paragraphs = [[_with_text(s, _insert_pinyin(s.text, rng)) for s in p] for p in paragraphs]
    return replace(bulletin, paragraphs=tuple(tuple(p) for p in paragraphs))


def _with_text(sentence: LabelledSentence, text: str) -> LabelledSentence:
    return replace(sentence, text=text)


def _lose_breaks(paragraphs: list[list[LabelledSentence]]) -> list[list[LabelledSentence]]:
    """Every heading runs into the paragraph below it."""
    joined: list[list[LabelledSentence]] = []
    held: LabelledSentence | None = None
    for paragraph in paragraphs:
        first, *rest = paragraph
        if held is not None:
            first = _run_together(held, first)
            held = None
        is_heading = len(paragraph) == 1 and first.text[-1] not in "。！？；!?;”" and not first.noise
        if is_heading and len(first.text) < 60:
            held = first
        else:
            joined.append([first, *rest])
    return joined if held is None else [*joined, [held]]


def _run_together(one: LabelledSentence, other: LabelledSentence) -> LabelledSentence:
    domains = (*one.domains, *(d for d in other.domains if d not in one.domains))
    marks = tuple(m for m in (*one.marks, *other.marks) if m != "noise")
    return replace(other, text=one.text + other.text, domains=domains, marks=marks)


def _garble(text: str, rng: np.random.Generator) -> str:
    """One sentence in eight gets three characters whose UTF-8 bytes were read as GB18030."""
    if len(text) < 12 or rng.random() > 1 / 8:
        return text
    start = int(rng.integers(2, len(text) - 6))
    broken = text[start : start + 3].encode("utf-8").decode("gb18030", "replace")
    return text[:start] + broken + text[start + 3 :]


def _insert_pinyin(text: str, rng: np.random.Generator) -> str:
    """About one character in twelve is followed by its pinyin, as some converters leave it."""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(list(text), style=Style.TONE, errors=lambda chars: list(chars))
    marked = rng.random(len(text)) < 1 / 12
    return "".join(
        f"{char}({syllable})" if mark and syllable != char else char
        for char, syllable, mark in zip(text, syllables, marked, strict=True)
    )


def _to_traditional(text: str) -> str:
    return _opencc().convert(text)


@cache
def _opencc():  # type: ignore[no-untyped-def]
    from opencc import OpenCC

    return OpenCC("s2t.json")
