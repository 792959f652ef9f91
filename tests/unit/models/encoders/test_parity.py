"""The comparison with the engine's own figures notices what differs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import ModelError
from tagger.models.encoders import packaged, parity


@pytest.fixture
def built(tmp_path: Path, small_package: Path) -> Path:
    """A folder built from the small file."""
    folder = tmp_path / "built"
    folder.mkdir()
    packaged.build(packaged.find_package(), folder)
    return folder


def _changed(change: Callable[[dict[str, Any]], None], path: Path) -> Path:
    """The reference with one thing changed."""
    data = json.loads(parity.REFERENCE.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_a_folder_that_does_the_same_passes(built: Path) -> None:
    found = parity.check_parity(built)
    assert found.n_texts == 2
    assert 0.999999 < found.cosine <= 1.000001


def test_another_number_of_tokens_is_told_with_the_sentence(built: Path, tmp_path: Path) -> None:
    reference = _changed(lambda data: data["n_tokens"].__setitem__(1, 99), tmp_path / "changed.json")
    with pytest.raises(
        ModelError,
        match=r"encoder packaged: what was built differs from the original: \d+ tokens, the engine has 99, on '警'",
    ):
        parity.check_parity(built, reference)


def test_a_slightly_different_embedding_is_refused(built: Path, tmp_path: Path) -> None:
    def turn(data: dict[str, Any]) -> None:
        data["embeddings"][0][0] += 0.05  # a cosine of some 0.999

    with pytest.raises(ModelError, match=r"cosine 0\.99\d+ with the engine, expected 0\.9999"):
        parity.check_parity(built, _changed(turn, tmp_path / "changed.json"))


def test_an_embedding_of_no_numbers_is_refused(built: Path, tmp_path: Path) -> None:
    def spoil(data: dict[str, Any]) -> None:
        data["embeddings"][0][0] = float("nan")

    with pytest.raises(ModelError, match="cosine nan"):
        parity.check_parity(built, _changed(spoil, tmp_path / "changed.json"))


def test_the_reference_is_of_whole_chinese_sentences() -> None:
    data = json.loads(parity.REFERENCE.read_text(encoding="utf-8"))
    assert len(data["texts"]) == len(data["n_tokens"]) == len(data["embeddings"]) >= 12
    assert {len(row) for row in data["embeddings"]} == {384}
    assert all(sum(x * x for x in row) == pytest.approx(1, abs=1e-4) for row in data["embeddings"])
