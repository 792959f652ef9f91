"""The fine-tuned encoder, run by torch: what `tagger train model=bert` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tagger.errors import ModelError
from tagger.models.combiner import Combiner
from tagger.models.encoder_classifier import EncoderClassifier, load_settings
from tagger.models.lexicon import LexiconClassifier
from tagger.models.network import SentenceNetwork, build_network, collate
from tagger.models.ngrams import NgramScorer
from tagger.models.tokenization import PieceTokenizer

WEIGHTS = "model.safetensors"
#: Pieces in a batch, filling included.
_BUDGET = 2048


class BertClassifier(EncoderClassifier):
    """Scores sentences with a fine-tuned BERT.

    Parameters
    ----------
    tokenizer : PieceTokenizer
    network : SentenceNetwork
    ngrams, lexicon, signals, combiner
        See `tagger.models.encoder_classifier.EncoderClassifier`.
    """

    kind = "bert"

    def __init__(
        self, tokenizer: PieceTokenizer, network: SentenceNetwork, *, ngrams: NgramScorer | None = None,
        lexicon: LexiconClassifier | None = None, signals: Sequence[str] = ("text",),
        combiner: Combiner | None = None,
    ) -> None:  # fmt: skip
        super().__init__(tokenizer, ngrams=ngrams, lexicon=lexicon, signals=signals, combiner=combiner)
        self.network = network.eval()

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return self.network.head.value.out_features

    def run(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Logits of inputs, float32, shape (n_inputs, n_domains)."""
        return self._run(inputs, self.network, self.n_domains)

    def run_embedding(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Means of the last hidden states, float32, shape (n_inputs, hidden_size)."""
        return self._run(inputs, self.network.embed, self.network.encoder.config.hidden_size)

    @torch.inference_mode()
    def _run(self, inputs: Sequence[list[int]], call: Callable[..., torch.Tensor], width: int) -> np.ndarray:
        values = np.zeros((len(inputs), width), dtype=np.float32)
        device = self.network.head.mean.device
        for rows in batches_by_length([len(ids) for ids in inputs], _BUDGET):
            batch = collate([inputs[row] for row in rows], self.tokenizer.pad)
            values[rows] = call(*(part.to(device) for part in batch)).float().cpu().numpy()
        return values

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``, ``settings.json``, ``tokenizer.json`` and the signals' files."""
        weights = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(weights, folder / WEIGHTS)
        self.save_settings(folder, network=self.network.architecture())

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any]) -> BertClassifier:
        """Read them back; a `ModelError` if a file is not ours, or the parts do not fit each other."""
        arguments, settings = load_settings(folder, config)
        try:
            network = build_network(settings["network"], load_file(folder / WEIGHTS))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, SafetensorError) as error:
            raise ModelError(f"not a BERT model ({type(error).__name__})", where=folder / WEIGHTS) from None
        tokenizer, sizes = arguments["tokenizer"], network.encoder.config
        if len(tokenizer) > sizes.vocab_size or tokenizer.max_length > sizes.max_position_embeddings:
            raise ModelError(
                f"{len(tokenizer)} pieces in inputs of up to {tokenizer.max_length}, expected at most "
                f"{sizes.vocab_size} and {sizes.max_position_embeddings}, which its network reads", where=folder,
            )  # fmt: skip
        return cls(network=network, **arguments)


def batches_by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Row numbers of inputs of like length, as many as fill a budget of pieces, longest first."""
    batch: list[int] = []
    for row in np.argsort([-length for length in lengths], kind="stable").tolist():
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
