"""A fine-tuned BERT in the form that serves: torch weights to an ONNX graph.

Imports torch and onnx; what it makes needs neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import torch

from tagger.errors import ModelError
from tagger.models.bert import BertClassifier
from tagger.models.int8 import InputStatistics, Int8
from tagger.models.onnx_bert import OnnxClassifier
from tagger.models.onnx_graph import Float32, write_graph

#: Linear layers of an encoder's layer; queries, keys and values read the same input.
_LAYERS = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")


def export_onnx(classifier: BertClassifier, *, int8: bool = True, texts: Sequence[str] = ()) -> OnnxClassifier:
    """The classifier that onnxruntime runs.

    Parameters
    ----------
    classifier : BertClassifier
    int8 : bool, default=True
        Weights in 8 bits, or in float32.
    texts : sequence of str
        What the int8 weights are rounded for: a few hundred texts of the kind that will be
        read. Their labels are not asked for.

    Raises
    ------
    ModelError
        The encoder is none that the graph can be written for, or there are no texts.
    """
    architecture = classifier.network.architecture()
    _check_encoder(classifier, architecture)
    if int8 and not texts:
        raise ModelError("no texts to round the int8 weights for", where="export")
    precision = Int8(collect_statistics(classifier, texts)) if int8 else Float32()
    weights = {name: tensor.float().cpu().numpy() for name, tensor in classifier.network.state_dict().items()}
    graph = write_graph(weights, architecture, precision, max_length=classifier.tokenizer.max_length)
    return OnnxClassifier(
        classifier.tokenizer,
        graph,
        ngrams=classifier.ngrams,
        lexicon=classifier.lexicon,
        signals=classifier.signals,
        combiner=classifier.combiner,
    )


def _check_encoder(classifier: BertClassifier, architecture: dict[str, Any]) -> None:
    if architecture["hidden_act"] != "gelu":
        raise ModelError(f"activation {architecture['hidden_act']!r}, expected gelu", where="export")
    if classifier.tokenizer.max_length > architecture["max_position_embeddings"]:
        raise ModelError(
            f"inputs of {classifier.tokenizer.max_length} pieces, and an encoder of "
            f"{architecture['max_position_embeddings']}", where="export", hint="Train with a smaller max_length.",
        )  # fmt: skip


@torch.inference_mode()
def collect_statistics(classifier: BertClassifier, texts: Sequence[str]) -> dict[str, InputStatistics]:
    """What the encoder's linear layers read while it reads texts, by the layers' names."""
    found: dict[str, InputStatistics] = {}
    with ExitStack() as hooks:
        for number, layer in enumerate(classifier.network.encoder.encoder.layer):
            for name in _LAYERS:
                watch = partial(_note, found, f"encoder.encoder.layer.{number}.{name}")
                hooks.callback(layer.get_submodule(name).register_forward_pre_hook(watch).remove)
        for windows in classifier.tokenizer.windows(texts):
            for ids in windows:  # one at a time: no filling among what is counted
                classifier.network(torch.tensor([ids], device=classifier.network.head.mean.device))
    return found


def _note(found: dict[str, InputStatistics], name: str, _: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
    read = inputs[0][0].float()
    peaks, power = read.abs().amax(dim=0).cpu().numpy(), (read.T @ read).double().cpu().numpy()
    before = found.get(name)
    if before is not None:
        peaks, power = np.maximum(peaks, before.peaks), power + before.power
    found[name] = InputStatistics(peaks, power)
