"""The runner of exported models: exact, safe against files of strangers, and light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import tagger
from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import ModelError, UsageError
from tagger.models.bert import BertClassifier
from tagger.models.combiner import Combiner
from tagger.models.export import export_onnx
from tagger.models.manifest import checksums, read_manifest
from tagger.models.onnx_bert import OnnxClassifier, count_threads
from tagger.models.storage import load_model, save_model
from tagger.models.tokenization import PieceTokenizer

_HEAVY = ("torch", "transformers", "sklearn", "scipy", "onnx")


@pytest.fixture
def classifier(trained_tiny_bert: BertClassifier, examples: Examples) -> OnnxClassifier:
    """The small model in int8, with a signal of its surroundings."""
    exported = export_onnx(trained_tiny_bert, texts=[text.text for text in examples.texts])
    combiner = Combiner(np.tile([1.0, 0.25], (3, 1)), np.array([0.1, 0.0, -0.1]))
    return OnnxClassifier(exported.tokenizer, exported.graph, signals=("text", "previous"), combiner=combiner)


@pytest.fixture
def folder(classifier: OnnxClassifier, domains: DomainSet, tmp_path: Path) -> Path:
    save_model(tmp_path / "model", classifier, domains, np.full(3, 0.5), config={"seed": 1})
    return tmp_path / "model"


def _put(folder: Path, graph: bytes) -> None:
    """Another graph in a model folder, with a manifest that agrees, as an attacker would write it."""
    (folder / "model.onnx").write_bytes(graph)
    replace(read_manifest(folder), files=checksums(folder)).write(folder)


def _changed(folder: Path, change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = onnx.load_from_string((folder / "model.onnx").read_bytes())
    change(model)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("n_threads", ["1", "3"])
def test_a_score_does_not_depend_on_what_stands_beside_it(
    classifier: OnnxClassifier, examples: Examples, monkeypatch: pytest.MonkeyPatch, n_threads: str
) -> None:
    alone = np.concatenate([classifier.predict_proba([text]) for text in examples.texts])
    monkeypatch.setenv("TAGGER_THREADS", n_threads)
    again = OnnxClassifier(
        classifier.tokenizer, classifier.graph, signals=classifier.signals, combiner=classifier.combiner
    )
    together = again.predict_proba(examples.texts)
    assert together.dtype == np.float32
    assert np.array_equal(together, alone)
    assert np.array_equal(again.predict_proba(examples.texts[::-1])[::-1], alone)


def test_embeddings_are_torchs(
    classifier: OnnxClassifier, trained_tiny_bert: BertClassifier, examples: Examples
) -> None:
    texts = [text.text for text in examples.texts]
    exact = export_onnx(trained_tiny_bert, int8=False).embed(texts)
    np.testing.assert_allclose(exact, trained_tiny_bert.embed(texts), atol=1e-5)
    ours, theirs = classifier.embed(texts), trained_tiny_bert.embed(texts)
    cosine = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() > 0.99, "int8"


def test_nothing_in_gives_nothing_out(classifier: OnnxClassifier) -> None:
    assert classifier.predict_proba([]).shape == (0, 3)
    assert classifier.run([]).shape == (0, 3)


def test_what_is_saved_scores_the_same_when_it_is_loaded(
    classifier: OnnxClassifier, folder: Path, examples: Examples
) -> None:
    loaded = load_model(folder)
    assert loaded.manifest.kind == "onnx"
    assert set(loaded.manifest.files) == {
        "README.md", "combiner.json", "decision.json", "domains.json", "model.onnx", "settings.json", "tokenizer.json"
    }  # fmt: skip
    assert np.array_equal(loaded.classifier.predict_proba(examples.texts), classifier.predict_proba(examples.texts))


def test_a_text_too_long_for_one_input_is_read_in_windows(classifier: OnnxClassifier) -> None:
    long = "民警带领巡防队员徒步巡逻背街小巷，" * 20
    windows = classifier.tokenizer.windows([long])[0]
    assert len(windows) > 3
    assert np.array_equal(classifier.decide([long])[0], classifier.run(windows).max(axis=0).astype(float))


@pytest.mark.parametrize("part", [b"", b"not a graph", "half"])
def test_a_damaged_graph_is_refused(folder: Path, part: bytes | str) -> None:
    graph = (folder / "model.onnx").read_bytes()
    _put(folder, graph[: len(graph) // 2] if isinstance(part, str) else part)
    with pytest.raises(ModelError, match=r"model\.onnx: not an ONNX model of ours"):
        load_model(folder)


def test_a_graph_with_other_inputs_is_refused(folder: Path) -> None:
    def rename(model: onnx.ModelProto) -> None:
        model.graph.input[0].name = "tokens"
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                if name == "input_ids":
                    node.input[i] = "tokens"

    _put(folder, _changed(folder, rename))
    with pytest.raises(ModelError, match=r"model\.onnx: not an ONNX model of ours \(inputs and outputs .*'tokens'"):
        load_model(folder)


def test_a_graph_of_many_inputs_at_a_time_is_refused(folder: Path) -> None:
    def widen(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"

    _put(folder, _changed(folder, widen))
    with pytest.raises(ModelError, match=r"not an ONNX model of ours \(inputs and outputs "):
        load_model(folder)


def test_weights_in_another_file_are_refused_and_never_read(folder: Path, tmp_path: Path) -> None:
    def point_elsewhere(model: onnx.ModelProto) -> None:
        constant = next(c for c in model.graph.initializer if c.data_type == onnx.TensorProto.INT8)
        constant.ClearField("raw_data")
        constant.data_location = onnx.TensorProto.EXTERNAL
        constant.external_data.add(key="location", value=str(tmp_path / "secret"))

    _put(folder, _changed(folder, point_elsewhere))
    with pytest.raises(ModelError, match="its weights are in another file"):
        load_model(folder)


def test_an_operator_that_onnxruntime_has_not_is_refused(folder: Path) -> None:
    def invent(model: onnx.ModelProto) -> None:
        next(node for node in model.graph.node if node.op_type == "Gelu").op_type = "Invented"

    _put(folder, _changed(folder, invent))
    with pytest.raises(ModelError, match=r"not an ONNX model of ours \(.*Invented"):
        load_model(folder)


def test_a_graph_of_fewer_pieces_than_the_tokenizer_has_is_refused(folder: Path, classifier: OnnxClassifier) -> None:
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    data["model"]["vocab"] += [[f"件{i}", -9.0] for i in range(10)]
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    assert len(PieceTokenizer.load(folder)) == len(classifier.tokenizer) + 10
    replace(read_manifest(folder), files=checksums(folder)).write(folder)
    with pytest.raises(ModelError, match=r"model\.onnx: the graph does not run \("):
        load_model(folder)


def test_a_graph_of_other_domains_than_the_models_is_refused(
    folder: Path, classifier: OnnxClassifier, tiny_bert: BertClassifier
) -> None:
    import torch

    head = tiny_bert.network.head
    head.value, head.attention = torch.nn.Linear(32, 5), torch.nn.Linear(32, 5)
    _put(folder, export_onnx(tiny_bert, int8=False).graph)
    with pytest.raises(ModelError, match=f"^{folder}"):
        load_model(folder)


@pytest.mark.parametrize("found", ["0", "-1", "two", "1.5", "99999"])
def test_a_wrong_number_of_threads_is_told(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setenv("TAGGER_THREADS", found)
    with pytest.raises(UsageError, match=f"^TAGGER_THREADS: found '{found}', expected a number of threads"):
        count_threads()


def test_threads_are_as_asked_else_as_many_as_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGER_THREADS", " 3 ")
    assert count_threads() == 3
    monkeypatch.delenv("TAGGER_THREADS")
    assert 1 <= count_threads() <= (os.cpu_count() or 1)


def test_tagging_needs_neither_torch_nor_transformers_nor_scikit_learn(folder: Path) -> None:
    script = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({_HEAVY!r}))\n"  # importing one of them now fails
        "from tagger.models.storage import load_model\n"
        "from tagger.bulletins.context import TextInContext\n"
        f"model = load_model({str(folder)!r})\n"
        "y_proba = model.classifier.predict_proba([TextInContext('夜间巡逻。'), TextInContext('发放宣传单。')])\n"
        "print(*y_proba.argmax(axis=1), *[n for n in sorted(sys.modules) if sys.modules[n] and n.split('.')[0] in "
        f"{_HEAVY!r}])\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(tagger.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=env, text=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["1", "2"], "")
