"""From torch to ONNX: the same logits, the same bytes, and int8 that decides the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tagger.corpus.examples import Examples
from tagger.errors import ModelError
from tagger.models.bert import BertClassifier
from tagger.models.export import collect_statistics, export_onnx

#: A character, a sentence, and one that is read in several windows.
_TEXTS = ["巡", "民警在路口纠正不戴头盔、闯红灯等违法行为。", "向群众发放宣传单两千余份，" * 12]


def test_in_float32_the_logits_are_those_of_torch(tiny_bert: BertClassifier) -> None:
    exported = export_onnx(tiny_bert, int8=False)
    assert np.abs(exported.decide(_TEXTS) - tiny_bert.decide(_TEXTS)).max() < 1e-4


def test_the_heads_centring_is_kept(tiny_bert: BertClassifier) -> None:
    plain = tiny_bert.decide(_TEXTS)
    tiny_bert.network.head.mean += 0.5
    tiny_bert.network.head.scale *= 0.25
    moved = tiny_bert.decide(_TEXTS)
    assert np.abs(moved - plain).max() > 0.01
    assert np.abs(export_onnx(tiny_bert, int8=False).decide(_TEXTS) - moved).max() < 1e-4


def test_the_same_model_gives_the_same_bytes(tiny_bert: BertClassifier) -> None:
    assert export_onnx(tiny_bert, texts=_TEXTS).graph == export_onnx(tiny_bert, texts=_TEXTS).graph


def test_in_int8_the_domains_are_told_apart_as_before(trained_tiny_bert: BertClassifier, examples: Examples) -> None:
    texts = [text.text for text in examples.texts]
    before = trained_tiny_bert.decide(texts)
    assert np.array_equal(before > 0, examples.y_true > 0), "the network has not learnt what the test needs"
    after = export_onnx(trained_tiny_bert, texts=texts).decide(texts)
    assert np.array_equal(after > 0, before > 0)
    assert 1e-4 < np.abs(after - before).mean() < 0.01 * before.std()


def test_int8_weights_are_int8_and_in_the_file_itself(tiny_bert: BertClassifier) -> None:
    graph = onnx.load_from_string(export_onnx(tiny_bert, texts=_TEXTS).graph)
    sizes = {
        kind: sum(np.prod(constant.dims) for constant in graph.graph.initializer if constant.data_type == kind)
        for kind in (onnx.TensorProto.INT8, onnx.TensorProto.FLOAT)
    }
    n_table = len(tiny_bert.tokenizer) * 32
    assert sizes[onnx.TensorProto.INT8] == n_table + 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert not any(constant.external_data for constant in graph.graph.initializer)
    onnx.checker.check_model(graph)


def test_what_layers_read_is_counted_over_all_pieces(tiny_bert: BertClassifier) -> None:
    found = collect_statistics(tiny_bert, _TEXTS)
    assert len(found) == 8
    peaks, power = found["encoder.encoder.layer.0.output.dense"]
    assert (peaks.shape, power.shape) == ((64,), (64, 64))
    each = [collect_statistics(tiny_bert, [text])["encoder.encoder.layer.0.output.dense"] for text in _TEXTS]
    assert np.array_equal(peaks, np.max([one.peaks for one in each], axis=0))
    assert np.allclose(power, sum(one.power for one in each))
    assert not any(layer._forward_pre_hooks for layer in tiny_bert.network.modules())


def test_int8_needs_texts(tiny_bert: BertClassifier) -> None:
    with pytest.raises(ModelError, match=r"^export: no texts to round the int8 weights for"):
        export_onnx(tiny_bert)


def test_an_activation_that_the_graph_has_not_is_refused(tiny_bert: BertClassifier) -> None:
    tiny_bert.network.encoder.config.hidden_act = "relu"
    with pytest.raises(ModelError, match=r"^export: activation 'relu', expected gelu"):
        export_onnx(tiny_bert, int8=False)


def test_inputs_longer_than_the_encoder_reads_are_refused(tiny_bert: BertClassifier) -> None:
    tiny_bert.tokenizer.max_length = 129
    with pytest.raises(ModelError, match=r"^export: inputs of 129 pieces, and an encoder of 128"):
        export_onnx(tiny_bert, int8=False)
