"""The classifier run by torch: scores, files, damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import ModelError
from tagger.models.bert import BertClassifier, batches_by_length
from tagger.models.combiner import Combiner
from tagger.models.lexicon import LexiconClassifier
from tagger.models.storage import load_model, save_model
from tagger.models.tokenization import PieceTokenizer

_FILES = ("combiner.json", "model.safetensors", "settings.json", "tokenizer.json")


@pytest.fixture
def classifier(make_tiny_bert: Callable[[], BertClassifier]) -> BertClassifier:
    """With three signals, of different weights."""
    bert = make_tiny_bert()
    for parameter in bert.network.head.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    lexicon = LexiconClassifier([["酒驾"], ["巡逻"], ["宣传"]], [[], [], []])
    combiner = Combiner(np.array([[1.0, 2.0, 0.25]] * 3), np.array([0.1, 0.2, 0.3]))
    return BertClassifier(
        bert.tokenizer, bert.network, lexicon=lexicon, signals=("text", "lexicon", "lead_in"), combiner=combiner
    )


@pytest.fixture
def folder(tmp_path: Path, classifier: BertClassifier) -> Path:
    """The classifier's files, to be damaged."""
    classifier.save(tmp_path)
    return tmp_path


def _change(folder: Path, **changes: Any) -> None:
    settings = json.loads((folder / "settings.json").read_text())
    settings["network"].update({k: v for k, v in changes.items() if k not in settings})
    settings.update({k: v for k, v in changes.items() if k in settings})
    (folder / "settings.json").write_text(json.dumps(settings))


def test_what_is_saved_scores_exactly_alike(folder: Path, classifier: BertClassifier, examples: Examples) -> None:
    again = BertClassifier.load(folder, {})
    assert again.signals == classifier.signals
    np.testing.assert_array_equal(again.predict_proba(examples.texts), classifier.predict_proba(examples.texts))


def test_saving_again_writes_the_same_bytes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("again")
    BertClassifier.load(folder, {}).save(other)
    for name in (*_FILES, "lexicon.json"):
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_model_folder_opens_with_the_same_scores(
    tmp_path: Path, classifier: BertClassifier, domains: DomainSet, examples: Examples
) -> None:
    save_model(tmp_path / "model", classifier, domains, np.full(3, 0.5), config={})
    loaded = load_model(tmp_path / "model")
    assert isinstance(loaded.classifier, BertClassifier)
    y_proba = loaded.classifier.predict_proba(examples.texts)
    np.testing.assert_array_equal(y_proba, classifier.predict_proba(examples.texts))


def test_a_batch_scores_like_its_texts_alone(tiny_bert: BertClassifier, examples: Examples) -> None:
    texts = [text.text for text in examples.texts]
    texts.append("".join(texts)[:150])  # several windows
    together = tiny_bert.decide(texts)
    assert together.shape == (len(texts), 3)
    np.testing.assert_allclose(np.concatenate([tiny_bert.decide([text]) for text in texts]), together, atol=1e-5)


def test_of_a_long_text_the_highest_window_counts(tiny_bert: BertClassifier, examples: Examples) -> None:
    texts = ["".join(text.text for text in examples.texts)[start : start + 150] for start in (0, 150)]
    windows = tiny_bert.tokenizer.windows(texts)
    assert min(map(len, windows)) > 1
    expected = [tiny_bert.run(inputs).max(axis=0) for inputs in windows]
    np.testing.assert_allclose(tiny_bert.decide(texts), expected, atol=1e-5)


def test_no_texts_have_no_scores(tiny_bert: BertClassifier) -> None:
    assert tiny_bert.decide([]).shape == (0, 3)
    assert tiny_bert.predict_proba([]).shape == (0, 3)


def test_a_classifier_scores_without_dropout(tiny_bert: BertClassifier) -> None:
    tiny_bert.network.train()
    texts = ["夜间巡逻。"] * 2
    again = BertClassifier(tiny_bert.tokenizer, tiny_bert.network)
    np.testing.assert_array_equal(again.decide(texts), again.decide(texts))


def test_batches_hold_inputs_of_like_length_within_the_budget() -> None:
    lengths = [3, 50, 4, 9, 9, 100, 5]
    batches = list(batches_by_length(lengths, 30))
    assert batches == [[5], [1], [3, 4, 6], [2, 0]]
    assert list(batches_by_length([], 30)) == []


@pytest.mark.parametrize("name", _FILES)
def test_a_file_that_is_missing_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match="not "):
        BertClassifier.load(folder, {})


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_file_that_is_not_ours_is_told(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=r"not (a|the) "):
        BertClassifier.load(folder, {})


def test_weights_that_are_cut_off_are_told_by_name(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError) as error:
        BertClassifier.load(folder, {})
    assert str(error.value).startswith(f"{folder / 'model.safetensors'}: not a BERT model (SafetensorError)")


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["head.value.weight"] = torch.zeros(4, 32)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ModelError, match="not a BERT model"):
        BertClassifier.load(folder, {})


@pytest.mark.parametrize("name", ["hidden_size", "vocab_size", "intermediate_size", "num_hidden_layers", "n_domains",
                                  "max_position_embeddings"])  # fmt: skip
@pytest.mark.parametrize("value", [2**30, 2**62])
@pytest.mark.timeout(60)
def test_settings_of_a_huge_network_are_refused_before_it_is_made(folder: Path, name: str, value: int) -> None:
    _change(folder, **{name: value})
    with pytest.raises(ModelError, match="not a BERT model"):
        BertClassifier.load(folder, {})


@pytest.mark.parametrize(
    "change",
    [{"hidden_act": "import os"}, {"hidden_size": "32"}, {"num_attention_heads": 0}, {"pad_token_id": 10**6},
     {"layer_norm_eps": None}, {"n_domains": float("inf")}, {"network": []}, {"network": None},
     {"max_length": 7}, {"max_length": "x"}, {"max_length": float("inf")}, {"max_length": None}],
    ids=str,
)  # fmt: skip
def test_settings_that_are_none_are_told(folder: Path, change: dict[str, Any]) -> None:
    _change(folder, **change)
    with pytest.raises(ModelError, match=r"not (a|the) "):
        BertClassifier.load(folder, {})


def test_a_tokenizer_is_kept_with_its_length(folder: Path) -> None:
    assert PieceTokenizer.load(folder).max_length == 256
    assert BertClassifier.load(folder, {}).tokenizer.max_length == 64


def test_a_tokenizer_of_more_than_the_network_reads_is_refused(folder: Path) -> None:
    _change(folder, max_length=100_000)
    with pytest.raises(ModelError, match=r"pieces in inputs of up to 100000, expected at most \d+ and 128, which its"):
        BertClassifier.load(folder, {})


def test_a_part_of_other_domains_is_refused_before_anything_is_tagged(
    tmp_path: Path, tiny_bert: BertClassifier, domains: DomainSet
) -> None:
    words = LexiconClassifier([["巡逻"]], [[]])
    classifier = BertClassifier(tiny_bert.tokenizer, tiny_bert.network, lexicon=words, signals=("text", "lexicon"))
    save_model(tmp_path / "model", classifier, domains, np.full(3, 0.5), config={})
    with pytest.raises(ModelError, match="scores of 1 domains by its lexicon, expected 3"):
        load_model(tmp_path / "model")
