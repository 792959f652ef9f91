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
    """Cuts sentences into pieces, without specials, padding or truncation.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer

    Attributes
    ----------
    begin, end, pad, unknown : int
        Ids of the special pieces.

    Raises
    ------
    ValueError
        A special piece is missing.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
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

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Piece ids of each text."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encoded]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The half-open character span of each piece of a text."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json``."""
        self._tokenizer.save(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path) -> PieceTokenizer:
        """Read ``tokenizer.json``; a `ModelError` if it is none."""
        from tokenizers import Tokenizer

        try:
            return cls(Tokenizer.from_file(str(folder / FILE)))
        except Exception as error:  # the library raises bare exceptions on a broken file
            raise ModelError(f"not a tokenizer ({error})", where=folder / FILE) from None
