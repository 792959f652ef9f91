"""The fine-tuned encoder, run by torch: what `tagger train model=bert` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tagger.errors import ModelError
from tagger.models.combiner import Combiner
from tagger.models.network import SentenceNetwork, build_network, collate
from tagger.models.passage_classifier import SETTINGS, PassageClassifier, read_settings, settings_of
from tagger.models.passages import PageCutter, Passage

WEIGHTS = "model.safetensors"
#: Pieces in a batch of passages, filling included.
_BUDGET = 2048


class BertClassifier(PassageClassifier):
    """Scores sentences on their pages with a fine-tuned BERT.

    Parameters
    ----------
    cutter : PageCutter
    calibration : Combiner
    network : SentenceNetwork
    """

    kind = "bert"

    def __init__(self, cutter: PageCutter, calibration: Combiner, network: SentenceNetwork) -> None:
        super().__init__(cutter, calibration)
        self.network = network.eval()

    @torch.inference_mode()
    def run(self, passages: Sequence[Passage]) -> list[np.ndarray]:
        """Logits of each passage's spans, float32, shape (n_spans, n_domains) each."""
        logits: dict[int, np.ndarray] = {}
        for rows in batches_by_length([len(passage.ids) for passage in passages], _BUDGET):
            batch = collate([passages[row] for row in rows], self.cutter.tokenizer.pad)
            scores = self.network(batch.input_ids, batch.pool, batch.attention_mask).float().numpy()
            for row, own in zip(rows, scores, strict=True):
                logits[row] = own[: len(passages[row].spans)]
        return [logits[row] for row in range(len(passages))]

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``, ``settings.json`` and ``tokenizer.json``."""
        weights = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(weights, folder / WEIGHTS)
        settings = {**settings_of(self), "network": self.network.architecture()}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        self.cutter.tokenizer.save(folder)

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any]) -> BertClassifier:
        """Read them back."""
        cutter, calibration, settings = read_settings(folder)
        try:
            network = build_network(settings["network"], load_file(folder / WEIGHTS))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, SafetensorError) as error:
            raise ModelError(f"not a BERT model ({type(error).__name__})", where=folder / WEIGHTS) from None
        return cls(cutter, calibration, network)


def batches_by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Row numbers of passages of like length, as many as fill a budget of pieces, longest first."""
    batch: list[int] = []
    for row in np.argsort([-length for length in lengths], kind="stable").tolist():
        if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
