"""Label names of strangers: which domain each stands for, and a domain set made of those found."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable

from tagger.domains import Domain, DomainSet
from tagger.errors import CorpusError

_ID = re.compile(r"[a-z][a-z0-9_]*")
_APART = re.compile(r"[^a-z0-9]+")
#: The golden angle: hues of neighbours lie far apart however many there are.
_GOLDEN_ANGLE = 0.381966


class LabelNames:
    """Which domain a label stands for: by its id, or by its Chinese or English name.

    Parameters
    ----------
    domains : DomainSet

    Notes
    -----
    A name that two domains share stands for neither; an id always stands for its own domain.
    """

    def __init__(self, domains: DomainSet) -> None:
        self._domains = domains
        names = [(name, domain.id) for domain in domains for name in {domain.zh, domain.en} - {""}]
        taken = [name for name, _ in names]
        self._id = {name: id for name, id in names if taken.count(name) == 1}
        self._id |= {id: id for id in domains.ids}

    def __call__(self, label: str) -> str:
        """The id of the domain; an unknown label is a `CorpusError` naming the closest id."""
        return self._id[label] if label in self._id else self._domains.ids[self._domains.column(label)]


def infer_domains(labels: Iterable[str]) -> DomainSet:
    """A domain set made of the labels that were found, in the order of their code points.

    A label that is a lower-case identifier is its own id. Any other gets one from its
    pinyin and Latin letters (噪声扰民 -> ``zao_sheng_rao_min``) and is kept as the name;
    where two would get the same, the later ones are numbered (``..._2``).

    Parameters
    ----------
    labels : iterable of str
        With repeats; the same set gives the same domains.

    Returns
    -------
    DomainSet
        With colours of their own, dark enough for white writing.

    Raises
    ------
    CorpusError
        There is no label.
    """
    names = sorted(set(labels))
    if not names:
        raise CorpusError("no label in any text, expected some to make domains of", hint="See data.fields.labels.")
    ids = _ids_of(names)
    return DomainSet(
        Domain(id, zh="" if id == name else name, en=name if id != name and name.isascii() else "", color=_color(i))
        for i, (id, name) in enumerate(zip(ids, names, strict=True))
    )


def _ids_of(names: list[str]) -> list[str]:
    taken = {name for name in names if _ID.fullmatch(name)}
    ids = []
    for name in names:
        id = name
        if not _ID.fullmatch(name):
            stem, number = _identifier(name), 1
            id = stem
            while id in taken:
                number += 1
                id = f"{stem}_{number}"
            taken.add(id)
        ids.append(id)
    return ids


def _identifier(name: str) -> str:
    from pypinyin import lazy_pinyin

    syllables = "_".join(lazy_pinyin(name)).lower()
    id = _APART.sub("_", syllables).strip("_")
    return id if _ID.fullmatch(id) else f"label_{id}".rstrip("_")


def _color(number: int) -> str:
    red, green, blue = colorsys.hls_to_rgb((number * _GOLDEN_ANGLE) % 1, 0.36 if number % 2 else 0.42, 0.62)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
