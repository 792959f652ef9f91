"""The fine-tuned encoder, run by onnxruntime: what `tagger models export` writes.

Needs onnxruntime, tokenizers and numpy, and imports nothing else that is heavy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.errors import ModelError, UsageError
from tagger.models.combiner import Combiner
from tagger.models.encoder_classifier import EncoderClassifier, load_settings
from tagger.models.lexicon import LexiconClassifier
from tagger.models.ngrams import NgramScorer
from tagger.models.tokenization import PieceTokenizer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

GRAPH = "model.onnx"
#: Environment variable: how many inputs are read at a time, in place of one a processor.
THREADS = "TAGGER_THREADS"


class OnnxClassifier(EncoderClassifier):
    """Scores sentences with a fine-tuned BERT in ONNX form.

    Each input is read alone, so that its logits are the same to the last bit whatever
    stands beside it; several are read at a time, each by one thread, which is quicker
    than several threads for one input.

    Parameters
    ----------
    tokenizer : PieceTokenizer
    graph : bytes
        The model file, see `tagger.models.onnx_graph.write_graph`.
    ngrams, lexicon, signals, combiner
        See `tagger.models.encoder_classifier.EncoderClassifier`.

    Raises
    ------
    ValueError
        The graph is none of ours.
    UsageError
        ``TAGGER_THREADS`` is not a number of threads.
    """

    kind = "onnx"

    def __init__(
        self, tokenizer: PieceTokenizer, graph: bytes, *, ngrams: NgramScorer | None = None,
        lexicon: LexiconClassifier | None = None, signals: Sequence[str] = ("text",),
        combiner: Combiner | None = None,
    ) -> None:  # fmt: skip
        super().__init__(tokenizer, ngrams=ngrams, lexicon=lexicon, signals=signals, combiner=combiner)
        self.graph = graph
        self._session = _open_session(graph)
        self._n_domains = _check_shapes(self._session)
        self._n_threads = count_threads()

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return self._n_domains

    def run(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Logits of inputs, float32, shape (n_inputs, n_domains)."""
        logits = np.zeros((len(inputs), self.n_domains), dtype=np.float32)
        n_threads = min(self._n_threads, len(inputs))
        if n_threads <= 1:
            logits[:] = [self._infer(ids) for ids in inputs] or logits
            return logits
        # The longest first, or one thread would end with it while the others wait.
        order = sorted(range(len(inputs)), key=lambda row: -len(inputs[row]))
        with ThreadPoolExecutor(n_threads) as pool:
            logits[order] = list(pool.map(self._infer, [inputs[row] for row in order]))
        return logits

    def run_embedding(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Means of the last hidden states, float32, shape (n_inputs, hidden_size); a graph may have none."""
        return np.array([self._infer(ids, "embedding") for ids in inputs])

    def _infer(self, ids: list[int], output: str = "logits") -> np.ndarray:
        try:
            (values,) = self._session.run([output], {"input_ids": np.array([ids], dtype=np.int64)})
        except Exception as error:  # onnxruntime's errors have no common base
            raise ModelError(f"the graph does not run ({_first_line(error)})", where=GRAPH) from None
        return values[0]

    def save(self, folder: Path) -> None:
        """Write ``model.onnx``, ``settings.json``, ``tokenizer.json`` and the signals' files."""
        (folder / GRAPH).write_bytes(self.graph)
        self.save_settings(folder)

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any]) -> OnnxClassifier:
        """Read them back; a `ModelError` if a file is not ours, or the graph does not run."""
        arguments, _ = load_settings(folder, config)
        try:
            classifier = cls(graph=(folder / GRAPH).read_bytes(), **arguments)
        except (OSError, ValueError) as error:
            raise ModelError(f"not an ONNX model of ours ({error})", where=folder / GRAPH) from None
        classifier.probe(folder)
        return classifier

    def probe(self, folder: Path) -> None:
        """A `ModelError` unless the graph takes the tokenizer's last piece."""
        try:
            self._infer([self.tokenizer.begin, len(self.tokenizer) - 1, self.tokenizer.end])
        except ModelError as error:
            raise ModelError(error.message, where=folder / GRAPH) from None


def count_threads() -> int:
    """How many inputs are read at a time: ``TAGGER_THREADS``, or as many as there are processors for us."""
    asked = os.environ.get(THREADS, "").strip()
    if not asked:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not asked.isdecimal() or not 0 < int(asked) <= 1024:
        raise UsageError(f"found {asked!r}, expected a number of threads", where=THREADS)
    return int(asked)


def _open_session(graph: bytes) -> InferenceSession:
    """A session on a file that may come from a stranger: no operators and no weights from elsewhere."""
    import onnxruntime

    # The key under which a graph names a file of weights; ours has its weights in itself.
    if b"location" in graph:
        raise ValueError("its weights are in another file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised
    # The graph is written as it should run: higher levels gave the same scores at the same speed.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        raise ValueError(_first_line(error)) from None


def _check_shapes(session: InferenceSession) -> int:
    """The number of domains of a graph of ours, told by its input and outputs; else a ValueError."""
    found = [(v.name, v.type, v.shape) for v in (*session.get_inputs(), *session.get_outputs())]
    sizes = [shape[-1] if shape else None for _, _, shape in found[1:]]
    outputs = ("logits", "embedding")[: len(sizes)]  # graphs written before had no embedding
    expected = [("input_ids", "tensor(int64)", [1, "n_ids"])]
    expected += [(name, "tensor(float)", [1, size]) for name, size in zip(outputs, sizes, strict=False)]
    if found != expected or not sizes or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise ValueError(f"inputs and outputs {found}")
    return sizes[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
