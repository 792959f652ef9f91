"""Weights in 8 bits: which of them, how they are rounded, and what they are multiplied with.

Inputs of a layer are brought to 8 bits when it runs, on one scale for all of an input. In
a BERT a few channels are ten times as large as all others, at the first and the last piece,
and would take that scale for themselves: they stay in float32, the rest is multiplied in
int8 (Dettmers et al., 2022, "LLM.int8()"). Weights have a scale an output, and each is
rounded so that the next ones make good what it loses on the inputs that the layer really
gets (Frantar et al., 2023, "GPTQ").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tagger.models.onnx_graph import RUNTIME, GraphWriter, Layer

#: Channels of a layer's input that stay in float32, at most a quarter of them.
OUTLIERS = 4
_MOST = 127
#: Share of the mean input power that is added to all: few texts may leave a channel unused.
_DAMPING = 0.01


class InputStatistics(NamedTuple):
    """What a layer gets to read, over the pieces of many texts.

    Attributes
    ----------
    peaks : ndarray of shape (n_inputs,)
        The largest size of each channel.
    power : ndarray of shape (n_inputs, n_inputs)
        Sum over pieces of the products of channels.
    """

    peaks: np.ndarray
    power: np.ndarray


class Int8:
    """Weights in 8 bits; see `tagger.models.onnx_graph.Precision`.

    Parameters
    ----------
    statistics : mapping of str to InputStatistics
        Of every layer, by name.
    """

    def __init__(self, statistics: Mapping[str, InputStatistics]) -> None:
        self._statistics = statistics

    def embed(self, graph: GraphWriter, table: np.ndarray) -> str:
        """A scale a piece: the table is the half of a small model."""
        scales = scale_rows(table)
        rounded = np.rint(table / scales[:, None]).astype(np.int8)
        rows = graph.add("Cast", graph.add("Gather", graph.constant(rounded), "input_ids"), to=1)
        scale = graph.add("Gather", graph.constant(scales[:, None]), "input_ids")
        return graph.add("Mul", rows, scale)

    def multiply(self, graph: GraphWriter, x: str, layer: Layer) -> str:
        """The outliers' product in float32, that of all others in int8."""
        peaks, power = self._statistics[layer.name]
        outliers = np.sort(np.argsort(-peaks, kind="stable")[: min(OUTLIERS, len(peaks) // 4)])
        is_plain = np.ones(len(peaks), dtype=np.float32)
        is_plain[outliers] = 0
        weight = layer.weight * is_plain
        scales = scale_rows(weight)
        rounded = round_weights(weight, scales, power * np.outer(is_plain, is_plain))
        plain = graph.add(
            "DynamicQuantizeMatMul", graph.add("Mul", x, graph.constant(is_plain)), graph.constant(rounded.T),
            graph.constant(scales), "", graph.constant(layer.bias), domain=RUNTIME,
        )  # fmt: skip
        large = graph.add("Gather", x, graph.constant(outliers), axis=2)
        return graph.add("Add", plain, graph.add("MatMul", large, graph.constant(layer.weight[:, outliers].T)))


def scale_rows(weight: np.ndarray) -> np.ndarray:
    """The step of each row that brings its largest entry to 127; float32, shape (n_rows,)."""
    largest = np.abs(weight).max(axis=1)
    return np.where(largest > 0, largest / _MOST, 1).astype(np.float32)


def round_weights(weight: np.ndarray, scales: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Round weights to multiples of their row's step, with little error on given inputs.

    Parameters
    ----------
    weight : ndarray of shape (n_outputs, n_inputs)
    scales : ndarray of shape (n_outputs,)
        See `scale_rows`.
    power : ndarray of shape (n_inputs, n_inputs)
        See `InputStatistics`.

    Returns
    -------
    ndarray of shape (n_outputs, n_inputs)
        int8, from -127 to 127.

    Notes
    -----
    Frantar et al. (2023), "GPTQ: accurate post-training quantization for generative
    pre-trained transformers": channels one by one, the most active first; what rounding one
    costs is laid upon those still to come.
    """
    order = np.argsort(-np.diag(power), kind="stable")
    spread = _spread(power[np.ix_(order, order)])
    left = weight[:, order].astype(np.float64)
    rounded = np.zeros(weight.shape, dtype=np.int8)
    for place, channel in enumerate(order):
        nearest = np.clip(np.rint(left[:, place] / scales), -_MOST, _MOST)
        rounded[:, channel] = nearest
        lost = (left[:, place] - nearest * scales) / spread[place, place]
        left[:, place:] -= np.outer(lost, spread[place, place:])
    return rounded


def _spread(power: np.ndarray) -> np.ndarray:
    """How a channel's error is made good by those after it: the upper factor of the inverse power."""
    damping = _DAMPING * np.mean(np.diag(power)) + 1e-8
    inverse = np.linalg.inv(power.astype(np.float64) + damping * np.eye(len(power)))
    return np.linalg.cholesky(inverse).T
