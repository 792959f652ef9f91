"""The graph that onnxruntime runs: a BERT over one input and its head, written node by node.

Written by hand rather than traced from torch: the nodes are the ones that onnxruntime has
fast code for, the same weights give the same bytes, and int8 goes where it was measured
to be safe (`tagger.models.int8`). Imports the library onnx, never torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from onnx import TensorProto, helper, numpy_helper

#: Operators of onnxruntime that the standard has not.
RUNTIME = "com.microsoft"
#: `Gelu` is in the standard from opset 20 on; the IR that onnxruntime has read since 1.17.
_OPSET, _IR = 20, 9


class Layer(NamedTuple):
    """A linear layer: its name, weight (n_outputs, n_inputs) and bias (n_outputs,), float32."""

    name: str
    weight: np.ndarray
    bias: np.ndarray


class Precision(Protocol):
    """How weights are kept and multiplied."""

    def embed(self, graph: GraphWriter, table: np.ndarray) -> str:
        """Rows of a table (n_pieces, hidden_size) for ``input_ids``, float32, (1, n_ids, hidden_size)."""
        ...

    def multiply(self, graph: GraphWriter, x: str, layer: Layer) -> str:
        """A layer applied to a value (1, n_ids, n_inputs)."""
        ...


class Float32:
    """Weights as they are."""

    def embed(self, graph: GraphWriter, table: np.ndarray) -> str:
        """See `Precision`."""
        return graph.add("Gather", graph.constant(table), "input_ids")

    def multiply(self, graph: GraphWriter, x: str, layer: Layer) -> str:
        """See `Precision`."""
        product = graph.add("MatMul", x, graph.constant(layer.weight.T))
        return graph.add("Add", product, graph.constant(layer.bias))


class GraphWriter:
    """Collects nodes and constants; values are known by the names that it gives them."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, array: np.ndarray | np.generic) -> str:
        """Put an array into the graph."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def integers(self, *values: int) -> str:
        """Put a few integers into the graph: axes and shapes."""
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """Put a node with one output into the graph; the output's name."""
        return self.add_many(operator, *inputs, outputs=(output,), domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, *inputs: str, outputs: tuple[str, ...], domain: str = "", **attributes: Any
    ) -> list[str]:
        """Put a node into the graph; the names of its outputs, made up where "" is given."""
        number = len(self._nodes)
        names = [name or f"{operator}_{number}_{i}" for i, name in enumerate(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, f"node_{number}", domain=domain, **attributes))
        return names

    def finish(self, n_domains: int, hidden_size: int) -> bytes:
        """The model file."""
        ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "n_ids"])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, n_domains])
        embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, hidden_size])
        graph = helper.make_graph(self._nodes, "tagger", [ids], [logits, embedding], self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(RUNTIME, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="tagger")
        return bytes(model.SerializeToString(deterministic=True))


def write_graph(
    weights: Mapping[str, np.ndarray], architecture: Mapping[str, Any], precision: Precision, *, max_length: int
) -> bytes:
    """The model file of a network.

    Its input is ``input_ids``, int64 (1, n_ids) with ``n_ids <= max_length``, without
    filling; its outputs ``logits``, float32 (1, n_domains), and ``embedding``, float32
    (1, hidden_size), the mean of the last hidden states. One input at a time, so that a
    score depends on nothing that stands beside it: int8 is scaled by what is in the call.

    Parameters
    ----------
    weights : mapping of str to ndarray
        The state of a `tagger.models.network.SentenceNetwork`, float32.
    architecture : mapping
        Its `architecture`.
    precision : Precision
    max_length : int
        Positions that are kept of the encoder's.
    """
    bert = _Bert(GraphWriter(), weights, architecture, precision)
    hidden = bert.embed(max_length)
    for number in range(architecture["num_hidden_layers"]):
        hidden = bert.layer(f"encoder.encoder.layer.{number}", hidden)
    bert.head(hidden)
    bert.graph.add("ReduceMean", hidden, bert.graph.integers(1), keepdims=0, output="embedding")
    return bert.graph.finish(architecture["n_domains"], architecture["hidden_size"])


class _Bert(NamedTuple):
    """The parts of a BERT, as transformers computes them."""

    graph: GraphWriter
    weights: Mapping[str, np.ndarray]
    architecture: Mapping[str, Any]
    precision: Precision

    def embed(self, max_length: int) -> str:
        """Embeddings of pieces and positions; all pieces are of the first segment."""
        prefix = "encoder.embeddings"
        tables = {
            name: self.weights[f"{prefix}.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        }
        n_ids = self.graph.add("Shape", "input_ids", start=1, end=2)
        places = self.graph.constant(tables["position"][:max_length] + tables["token_type"][0])
        zero = self.graph.integers(0)
        place = self.graph.add("Slice", places, zero, n_ids, zero)
        word = self.precision.embed(self.graph, tables["word"])
        return self._norm(f"{prefix}.LayerNorm", self.graph.add("Add", word, place))

    def layer(self, prefix: str, hidden: str) -> str:
        """One layer of the encoder."""
        context = self._attend(f"{prefix}.attention.self", hidden)
        mixed = self._multiply(context, self._layer(f"{prefix}.attention.output.dense"))
        hidden = self._norm(f"{prefix}.attention.output.LayerNorm", self.graph.add("Add", mixed, hidden))
        wide = self.graph.add("Gelu", self._multiply(hidden, self._layer(f"{prefix}.intermediate.dense")))
        narrow = self._multiply(wide, self._layer(f"{prefix}.output.dense"))
        return self._norm(f"{prefix}.output.LayerNorm", self.graph.add("Add", narrow, hidden))

    def head(self, hidden: str) -> str:
        """`tagger.models.network.DomainHead`; its centring and scaling go into its weights."""
        mean, scale = self.weights["head.mean"], self.weights["head.scale"]
        parts = [self._layer(f"head.{name}") for name in ("attention", "value")]
        weight = np.concatenate([part.weight for part in parts]) / scale
        bias = np.concatenate([part.bias for part in parts]) - weight @ mean
        pieces = self.graph.add("Squeeze", hidden, self.graph.integers(0))
        both = self.graph.add("Gemm", pieces, self.graph.constant(weight), self.graph.constant(bias), transB=1)
        attention, value = self.graph.add_many("Split", both, outputs=("", ""), axis=1, num_outputs=2)
        said = self.graph.add("Mul", self.graph.add("Softmax", attention, axis=0), value)
        return self.graph.add("ReduceSum", said, self.graph.integers(0), keepdims=1, output="logits")

    def _attend(self, prefix: str, hidden: str) -> str:
        """Multi-head attention, with one product for queries, keys and values."""
        parts = [self._layer(f"{prefix}.{name}") for name in ("query", "key", "value")]
        joined = Layer(
            f"{prefix}.query", np.concatenate([part.weight for part in parts]),
            np.concatenate([part.bias for part in parts]),
        )  # fmt: skip
        split = self.graph.add_many(
            "Split", self._multiply(hidden, joined), outputs=("", "", ""), axis=2, num_outputs=3
        )
        n_heads = self.architecture["num_attention_heads"]
        return self.graph.add("MultiHeadAttention", *split, domain=RUNTIME, num_heads=n_heads)

    def _norm(self, name: str, x: str) -> str:
        """Not fused with the sum before it: onnxruntime's fused operator takes five times as long."""
        scale, bias = (self.graph.constant(self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        epsilon = self.architecture["layer_norm_eps"]
        return self.graph.add("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)

    def _layer(self, name: str) -> Layer:
        return Layer(name, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _multiply(self, x: str, layer: Layer) -> str:
        return self.precision.multiply(self.graph, x, layer)
