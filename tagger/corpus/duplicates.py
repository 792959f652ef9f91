"""Texts that are nearly the same, found by MinHash and then checked exactly."""

from __future__ import annotations

from collections.abc import Sequence

_NUM_PERM, _NUM_BANDS = 128, 32


def shingles(text: str, size: int = 5) -> frozenset[str]:
    """The character n-grams of a text; the text itself where it is shorter."""
    return frozenset(text[i : i + size] for i in range(max(len(text) - size + 1, 1)))


def near_duplicates(texts: Sequence[str], *, threshold: float = 0.7, size: int = 5) -> list[tuple[int, int, float]]:
    """Pairs of texts whose shingles overlap.

    Parameters
    ----------
    texts : sequence of str
        Normalised.
    threshold : float, default=0.7
        Least Jaccard similarity of the shingle sets, in (0, 1]. Below 0.5 the index
        begins to miss pairs: 32 bands of 4 rows find a pair of similarity 0.5 with
        probability 0.87, of 0.7 with 0.9999.
    size : int, default=5
        Characters a shingle.

    Returns
    -------
    list of (int, int, float)
        Row numbers, smaller first, and the exact Jaccard similarity, highest first.

    Notes
    -----
    Broder (1997), "On the resemblance and containment of documents". Every candidate of
    the index is checked exactly, so there are no false pairs.
    """
    from rensa import RMinHash, RMinHashLSH

    sets = [shingles(text, size) for text in texts]
    index = RMinHashLSH(threshold=threshold, num_perm=_NUM_PERM, num_bands=_NUM_BANDS)
    found = []
    for row, own in enumerate(sets):
        sketch = RMinHash(num_perm=_NUM_PERM, seed=1)
        sketch.update(sorted(own))
        for other in index.query(sketch):
            similarity = len(own & sets[other]) / len(own | sets[other])
            if similarity >= threshold:
                found.append((int(other), row, similarity))
        index.insert(row, sketch)
    return sorted(found, key=lambda pair: (-pair[2], pair[:2]))
