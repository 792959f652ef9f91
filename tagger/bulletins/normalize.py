"""The text as a model sees it, with the way back to the original characters.

`normalize` is pure and idempotent, and the same for training and prediction. What it
does, in order: drop invisible and broken characters, fold width and odd forms, take out
pinyin that page converters put in brackets, fold traditional script to simplified, fold
white space. The original is never changed: every character kept knows where it stood.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC

#: Raised whenever the same text may come out differently; models record it.
VERSION = 1

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_QUOTES = {**dict.fromkeys("“”„‟＂「」『』〝〞﹁﹂﹃﹄", '"'), **dict.fromkeys("‘’‚‛＇`´", "'")}
_SIGNS = {"、": "、", "﹐": ",", "﹔": ";", "﹕": ":", "﹖": "?", "﹗": "!", "﹙": "(", "﹚": ")",
          "｡": "。", "､": "、", "．": ".", "∶": ":", "〔": "(", "〕": ")", "﹪": "%", "〜": "~",
          "‐": "-", "‑": "-", "‒": "-", "–": "-", "―": "—", "─": "—", "━": "—"}  # fmt: skip
#: Syllables that converters write without a tone mark; others must carry one, so that
#: ordinary bracketed Latin such as (APP), (PTU) or (km) stays.
_NEUTRAL = "men|me|zhe|de|le|ne|zi|ge|li|tou"
_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"
#: Several after one hanzi go at once: one a pass would cost as many passes over the text.
_PINYIN = re.compile(rf"(?<=[{_HAN}])(?: ?\((?:[a-zü]{{0,3}}[{_TONED}][a-zü]{{0,3}}|{_NEUTRAL})\))+(?=[^a-zA-Z]|$)")
_SPACE_BY_HAN = re.compile(rf"(?<=[{_HAN}，。、])[ ]|[ ](?=[{_HAN}，。、])")


@dataclass(frozen=True)
class NormalizedText:
    """A normalised text and, for each of its characters, where it stood in the original.

    Attributes
    ----------
    text : str
    offsets : tuple of int
        ``offsets[i]`` is the code-point offset in the original of ``text[i]``;
        strictly increasing, ``len(offsets) == len(text)``.
    """

    text: str
    offsets: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of the original that ``text[start:end]`` came from."""
        if start >= end:
            at = self.offsets[start] if start < len(self.offsets) else 0
            return at, at
        return self.offsets[start], self.offsets[end - 1] + 1


def normalize(text: str) -> NormalizedText:
    """Normalise a text of any length; see the module docstring for what it does.

    Parameters
    ----------
    text : str
        Any text, a lone surrogate included.

    Returns
    -------
    NormalizedText
        ``normalize(r.text).text == r.text`` for every result ``r``.
    """
    current = NormalizedText(text, tuple(range(len(text))))
    while True:
        # One pass can bring characters together that the next pass acts on
        # (pinyin within pinyin, a space set free); texts settle in two passes.
        following = _pass(current)
        if following.text == current.text:
            return current
        current = following


def _pass(source: NormalizedText) -> NormalizedText:
    chars, offsets = _fold_characters(source)
    chars, offsets = _remove(_PINYIN, chars, offsets)
    chars = _to_simplified(chars)
    chars, offsets = _remove(_SPACE_BY_HAN, chars, offsets)
    return NormalizedText(chars, tuple(offsets))


def _fold_characters(source: NormalizedText) -> tuple[str, list[int]]:
    kept: list[str] = []
    offsets: list[int] = []
    for char, offset in zip(source.text, source.offsets, strict=True):
        if kept and unicodedata.combining(char):
            kept[-1] = _compose(kept[-1], char)
            continue
        folded = _fold(char)
        if not folded or (folded == " " and (not kept or kept[-1] == " ")):
            continue
        kept.append(folded)
        offsets.append(offset)
    if kept and kept[-1] == " ":
        kept.pop()
        offsets.pop()
    return "".join(kept), offsets


@cache
def _compose(base: str, mark: str) -> str:
    """A letter with its tone mark as one character; a mark that fits nothing is dropped."""
    composed = unicodedata.normalize("NFC", base + mark)
    return composed if len(composed) == 1 else base


@cache
def _fold(char: str) -> str:
    """One character as another single one, or "" to drop it."""
    if char in _QUOTES:
        return _QUOTES[char]
    if char in _SIGNS:
        return _SIGNS[char]
    if char.isspace() or char in "\u3164\u2800\ufffc":
        return " "
    if unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Mn", "Me") or char == "\ufffd":
        return ""
    if _has_plain_form(char):
        plain = unicodedata.normalize("NFKC", char)
        return plain if len(plain) == 1 else char
    return char


def _has_plain_form(char: str) -> bool:
    """Full- and half-width forms, Kangxi radicals (PDF text) and compatibility ideographs."""
    return any(low <= char <= high for low, high in (("\uff01", "\uffee"), ("\u2e80", "\u2fdf"), ("\uf900", "\ufaff")))


def _remove(pattern: re.Pattern[str], text: str, offsets: list[int]) -> tuple[str, list[int]]:
    gaps = [m.span() for m in pattern.finditer(text)]
    starts, ends = [0, *(end for _, end in gaps)], [*(start for start, _ in gaps), len(text)]
    kept = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    return "".join(text[s] for s in kept), [i for s in kept for i in offsets[s]]


def _to_simplified(text: str) -> str:
    """Traditional to simplified, one character for one; Taiwan's rules also mend 著 to 着."""
    if text.isascii():
        return text
    folded = _opencc().convert(text)
    if len(folded) != len(text):
        folded = "".join(map(_simplify_one, text))
    # The table turns 麼 into 么 and, on a second look, 么 into 幺, which is another word.
    return "".join(old if old == "么" else new for old, new in zip(text, folded, strict=True))


@cache
def _simplify_one(char: str) -> str:
    folded = _opencc().convert(char)
    return folded if len(folded) == 1 else char


@cache
def _opencc() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("tw2s.json")
