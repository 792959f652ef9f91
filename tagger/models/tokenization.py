"""The tokenizer of an encoder: text to piece ids, by the library `tokenizers` alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
#: Names of the pieces that begin, end and fill up an input: those of XLM-R, then those of BERT.
_BEGINS, _ENDS, _PADS = ("<s>", "[CLS]"), ("</s>", "[SEP]"), ("<pad>", "[PAD]")
_UNKNOWN = ("<unk>", "[UNK]")


class PieceTokenizer:
    """Cuts sentences into pieces.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
    max_length : int, default=256
        Most pieces of an input, its begin and end included; at least 8.

    Attributes
    ----------
    begin, end, pad, unknown : int
        Ids of the special pieces.

    Raises
    ------
    ValueError
        A special piece is missing, or `max_length` is too small.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int = 256) -> None:
        if max_length < 8:
            raise ValueError(f"max_length {max_length}, expected at least 8")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer, self.max_length = tokenizer, max_length
        self.begin, self.end = self._id(_BEGINS), self._id(_ENDS)
        self.pad, self.unknown = self._id(_PADS), self._id(_UNKNOWN)

    def _id(self, names: Sequence[str]) -> int:
        for name in names:
            id = self._tokenizer.token_to_id(name)
            if id is not None:
                return int(id)
        raise ValueError(f"no piece {' or '.join(names)}")

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def windows(self, texts: Sequence[str]) -> list[list[list[int]]]:
        """The inputs that each text is read in: one, or several for a text that is too long.

        Nothing is cut off: windows of a long text overlap by a quarter, so that what one
        cuts apart another holds whole.
        """
        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [self._windows(encoding.ids) for encoding in encoded]

    def _windows(self, ids: list[int]) -> list[list[int]]:
        room = self.max_length - 2
        starts = range(0, max(len(ids) - room // 4, 1), room - room // 4)
        return [[self.begin, *ids[start : start + room], self.end] for start in starts]

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json``."""
        self._tokenizer.save(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path, max_length: int = 256) -> PieceTokenizer:
        """Read ``tokenizer.json``; a `ModelError` if it is none."""
        from tokenizers import Tokenizer

        try:
            return cls(Tokenizer.from_file(str(folder / FILE)), max_length)
        except Exception as error:  # the library raises bare exceptions on a broken file
            raise ModelError(f"not a tokenizer ({error})", where=folder / FILE) from None
