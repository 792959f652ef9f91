"""What an encoder folder holds, told without executing it or loading its weights."""

from __future__ import annotations

import json
import struct
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from tagger.errors import ModelError
from tagger.models.encoders import provenance

CONFIG, WEIGHTS, TOKENIZER, VOCABULARY = "config.json", "model.safetensors", "tokenizer.json", "vocab.txt"
NEEDED = (CONFIG, WEIGHTS, TOKENIZER)
#: Bytes; the description of the tensors at the head of their file takes some 30 KB for a BERT.
_LONGEST_HEAD = 10_000_000


class Sizes(NamedTuple):
    """Numbers of parameters, pieces and layers, and the width of a layer."""

    n_parameters: int
    n_pieces: int
    n_layers: int
    hidden_size: int


def check_encoder(folder: Path) -> Sizes:
    """Refuse a folder that is no BERT in safetensors, or that has changed since we wrote it.

    Raises
    ------
    ModelError
        Says what is missing, damaged or of another kind.
    """
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        can_be_made = missing == [TOKENIZER] and (folder / VOCABULARY).is_file()
        hint = f"`tagger encoders get {folder} --to DIR` makes one from {VOCABULARY}." if can_be_made else ""
        raise ModelError(f"no {', no '.join(missing)}; expected {', '.join(NEEDED)}", where=folder, hint=hint)
    if (folder / provenance.FILE).is_file():
        provenance.check_provenance(folder)
    return measure(folder)


def measure(folder: Path) -> Sizes:
    """The sizes of a folder; a `ModelError` unless it is a BERT with weights and pieces that fit."""
    config = read_object(folder / CONFIG)
    if config.get("model_type") != "bert":
        raise ModelError(
            f"model_type {config.get('model_type')!r}, expected 'bert'", where=folder / CONFIG,
            hint="MacBERT, RoBERTa-wwm and BGE are BERTs too; encoders of other kinds cannot be used.",
        )  # fmt: skip
    n_rows, n_layers, hidden_size = (config.get(key) for key in ("vocab_size", "num_hidden_layers", "hidden_size"))
    if not (isinstance(n_rows, int) and isinstance(n_layers, int) and isinstance(hidden_size, int)):
        raise ModelError("vocab_size, num_hidden_layers or hidden_size is no number", where=folder / CONFIG)
    n_parameters, n_pieces = _count_parameters(folder / WEIGHTS), _count_pieces(folder)
    if n_pieces > n_rows:
        raise ModelError(f"{n_pieces} pieces, the encoder knows {n_rows}", where=folder / TOKENIZER)
    return Sizes(n_parameters, n_pieces, n_layers, hidden_size)


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object, or a `ModelError`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ModelError("not a JSON object", where=path)
    return data


def _count_parameters(path: Path) -> int:
    """Of a safetensors file, from its head alone."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEAD:
                raise ValueError("its head is too long")
            head = json.loads(file.read(length))
        return sum(prod(entry["shape"]) for name, entry in head.items() if name != "__metadata__")
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # Most often a pointer of Git LFS, or a page that says that one must log in.
        raise ModelError("not a safetensors file", where=path, hint="Fetch it again.") from None


def _count_pieces(folder: Path) -> int:
    from tagger.models.tokenization import PieceTokenizer

    return len(PieceTokenizer.load(folder))
