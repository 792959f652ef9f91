"""The export of a trained model: what goes over, and the gate that it has to pass."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tagger.cli.main import main
from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import ModelError, OutputError
from tagger.models.bert import BertClassifier
from tagger.models.export import export_onnx
from tagger.models.onnx_bert import OnnxClassifier
from tagger.models.storage import Model, load_model, save_model
from tagger.training import exporting as module
from tagger.training.exporting import compare_models, export_model, refuse_damage


@pytest.fixture(scope="module")
def bert_folder(
    trained_tiny_bert: BertClassifier, domains: DomainSet, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of the small trained BERT; read only."""
    folder = tmp_path_factory.mktemp("models") / "bert"
    save_model(
        folder, trained_tiny_bert, domains, np.array([0.4, 0.5, 0.6]), config={"seed": 7}, seed=7,
        data={"hash": "abc", "n_texts": 48}, metrics={"f1_micro": 0.9},
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def data(examples: Examples, domains: DomainSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small corpus as JSON lines."""
    lines = [
        json.dumps({"text": text.text, "domains": [id for id, y in zip(domains.ids, row, strict=True) if y],
                    "bulletin": bulletin}, ensure_ascii=False)
        for text, row, bulletin in zip(examples.texts, examples.y_true, examples.bulletins.tolist(), strict=True)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("data") / "small.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _spoil(classifier: OnnxClassifier) -> OnnxClassifier:
    """The classifier with the largest of its int8 weight tables turned upside down."""
    model = onnx.load_from_string(classifier.graph)
    constants = [c for c in model.graph.initializer if c.data_type == onnx.TensorProto.INT8]
    largest = max(constants, key=lambda constant: np.prod(constant.dims))
    largest.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(largest), largest.name))
    return OnnxClassifier(classifier.tokenizer, model.SerializeToString())


def test_everything_but_the_weights_goes_over(bert_folder: Path, data: Path, tmp_path: Path) -> None:
    export_model(bert_folder, tmp_path / "fast", data=data)
    before, after = load_model(bert_folder), load_model(tmp_path / "fast")
    assert (after.manifest.kind, after.name, after.config, after.manifest.seed) == ("onnx", "fast", {"seed": 7}, 7)
    assert after.thresholds.tolist() == before.thresholds.tolist()
    assert (after.domains, after.manifest.data) == (before.domains, before.manifest.data)
    parity = after.manifest.metrics.pop("parity")
    assert after.manifest.metrics == before.manifest.metrics
    assert (parity["n_texts"], parity["changed"], parity["f1_macro_loss"]) == (36, 0.0, 0.0)
    assert 0 < parity["mean_logit_delta"] < parity["max_logit_delta"] < 1
    assert parity["speed_ratio"] > 0


def test_in_float32_the_logits_stay(bert_folder: Path, data: Path, tmp_path: Path) -> None:
    manifest = export_model(bert_folder, tmp_path / "exact", int8=False, data=data)
    assert manifest.metrics["parity"]["max_logit_delta"] < 1e-4
    assert manifest.metrics["parity"]["n_texts"] == 48


def test_the_gate_is_measured_on_other_sentences_than_int8_is_rounded_for(
    bert_folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded: list[str] = []
    measured: list[str] = []

    def export(*args: Any, texts: list[str], **options: Any) -> OnnxClassifier:
        rounded.extend(texts)
        return export_onnx(*args, texts=texts, **options)

    def compare(before: Model, after: Model, examples: Examples) -> dict[str, Any]:
        measured.extend(text.text for text in examples.texts)
        return compare_models(before, after, examples)

    monkeypatch.setattr("tagger.models.export.export_onnx", export)
    monkeypatch.setattr(module, "compare_models", compare)
    export_model(bert_folder, tmp_path / "small", data=data)
    assert (len(rounded), len(measured)) == (12, 36)
    everything = [json.loads(line)["text"] for line in data.read_text(encoding="utf-8").splitlines()]
    assert sorted(rounded + measured) == sorted(everything)


@pytest.mark.parametrize(("n_texts", "n_rounded"), [(1, 1), (3, 1), (8, 2), (1600, 400), (12_000, 400)])
def test_a_quarter_of_few_sentences_is_rounded_for(n_texts: int, n_rounded: int) -> None:
    rows = module._rows_to_round_for(n_texts)
    assert len(set(rows.tolist())) == n_rounded
    assert rows[0] == 0
    assert rows[-1] < n_texts


def test_a_spoiled_graph_is_measured_and_refused(bert_folder: Path, examples: Examples) -> None:
    before = load_model(bert_folder)
    exported = export_onnx(before.classifier, texts=[text.text for text in examples.texts])  # type: ignore[arg-type]
    parity = compare_models(before, replace(before, classifier=_spoil(exported)), examples)
    assert parity["changed"] > 0.2
    assert parity["f1_macro_loss"] == pytest.approx(parity["f1_macro_before"] - parity["f1_macro_after"])
    with pytest.raises(ModelError) as error:
        refuse_damage(parity, where="fast")
    assert f"fast: the export tags {parity['changed']:.2%} of 48 sentences otherwise (at most 0.5%)" in str(error.value)
    assert str(error.value).endswith("Nothing was written. Export with --no-int8.")
    with pytest.raises(ModelError, match=r"Nothing was written\.$"):
        refuse_damage(parity, int8=False)


@pytest.mark.parametrize(
    ("changed", "loss", "passes"),
    [
        (0.0, -0.01, True), (0.005, 0.003, True), (0.0051, 0.0, False), (0.0, 0.0031, False),
        (float("nan"), 0.0, False), (0.0, float("nan"), False),
    ],
)  # fmt: skip
def test_the_gate_holds_both_figures(changed: float, loss: float, passes: bool) -> None:
    parity = {"changed": changed, "f1_macro_loss": loss, "n_texts": 1000, "mean_logit_delta": 0.1}
    if passes:
        return refuse_damage(parity)
    with pytest.raises(ModelError):
        refuse_damage(parity)


def test_a_refused_export_leaves_nothing(
    bert_folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export_badly(*args: Any, **options: Any) -> OnnxClassifier:
        return _spoil(export_onnx(*args, **options))

    monkeypatch.setattr("tagger.models.export.export_onnx", export_badly)
    with pytest.raises(ModelError, match="sentences otherwise"):
        export_model(bert_folder, tmp_path / "fast", data=data)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_no_bert_is_refused(lexicon_folder: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a model of kind 'lexicon', expected bert"):
        export_model(lexicon_folder, tmp_path / "fast", data=data)


def test_a_place_that_holds_something_else_is_refused_before_any_work(data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something that is not a model"):
        export_model(tmp_path / "no such model", tmp_path, data=data)


def test_the_command_tells_parity_size_and_speed(
    bert_folder: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["models", "export", str(bert_folder), "--onnx", "--int8", "--output", f"{tmp_path}/fast",
              "--data", str(data)])  # fmt: skip
    told = capsys.readouterr()
    assert (end.value.code, told.err) == (0, "")
    version = load_model(tmp_path / "fast").version
    lines = told.out.splitlines()
    assert lines[0] == f"{tmp_path}/fast  onnx {version}  0.1 MB"
    assert lines[1:3] == ["tagged otherwise: 0.00% of 36 sentences", "f1_macro 1.0000 -> 1.0000"]
    assert lines[3].startswith("logits differ by 0.0")
    assert lines[4].endswith(" x the speed of torch on these sentences")


def test_the_command_tells_a_wrong_model_in_one_line(
    lexicon_folder: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["models", "export", str(lexicon_folder), "--output", f"{tmp_path}/fast", "--data", str(data)])
    assert end.value.code == 1
    assert capsys.readouterr().err == (
        f"tagger: {lexicon_folder}: a model of kind 'lexicon', expected bert. "
        "Give a folder written by `tagger train model=bert`.\n"
    )
