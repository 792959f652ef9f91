"""Estimators on disk: the same object gives the same bytes, and nothing foreign is let in."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io

import tagger
from tagger.errors import ModelError
from tagger.models import skops_file
from tagger.models.features import TextFeatures
from tagger.models.linear_head import LinearHead

_TRUSTED = ("tagger.models.features.TextFeatures", "tagger.models.linear_head.LinearHead")
_TEXTS = ["民警在夜市巡逻。", "向群众发放宣传单。", "民警查处酒驾。", "向学生宣传佩戴头盔。"]
_SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from tagger.models import skops_file
from tagger.models.features import TextFeatures
from tagger.models.linear_head import LinearHead
texts = ["民警在夜市巡逻。", "向群众发放宣传单。", "民警查处酒驾。", "向学生宣传佩戴头盔。"]
waste = [object() for _ in range(int(sys.argv[2]))]  # other addresses in each process
features = TextFeatures(min_df=1)
head = LinearHead().fit(features.fit_transform(texts), np.array([[1, 0], [0, 1], [1, 0], [0, 1]]))
skops_file.dump({"features": features, "head": head}, Path(sys.argv[1]))
"""


def _fitted() -> dict[str, object]:
    features = TextFeatures(min_df=1)
    X = features.fit_transform(_TEXTS)
    return {"features": features, "head": LinearHead().fit(X, np.array([[1, 0], [0, 1], [1, 0], [0, 1]]))}


def _dump_elsewhere(path: Path, seed: str) -> subprocess.Popen[bytes]:
    root = str(Path(tagger.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": root, "PYTHONHASHSEED": seed}
    return subprocess.Popen([sys.executable, "-c", _SCRIPT, str(path), seed], env=env)


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    processes = [_dump_elsewhere(tmp_path / f"{seed}.skops", seed) for seed in ("1", "4321")]
    assert [process.wait() for process in processes] == [0, 0]
    first, second = ((tmp_path / f"{seed}.skops").read_bytes() for seed in ("1", "4321"))
    assert first == second
    skops_file.dump(_fitted(), tmp_path / "here.skops")
    assert (tmp_path / "here.skops").read_bytes() == first


def test_what_is_read_back_works_alike(tmp_path: Path) -> None:
    parts = _fitted()
    skops_file.dump(parts, tmp_path / "model.skops")
    again = skops_file.load(tmp_path / "model.skops", _TRUSTED)
    X, X_again = parts["features"].transform(_TEXTS), again["features"].transform(_TEXTS)  # type: ignore[attr-defined]
    assert (X_again != X).nnz == 0
    scores = parts["head"].decision_function(X)  # type: ignore[attr-defined]
    assert np.array_equal(again["head"].decision_function(X_again), scores)


def test_what_is_read_back_and_written_again_has_the_same_bytes(tmp_path: Path) -> None:
    skops_file.dump(_fitted(), tmp_path / "one.skops")
    skops_file.dump(skops_file.load(tmp_path / "one.skops", _TRUSTED), tmp_path / "two.skops")
    assert (tmp_path / "two.skops").read_bytes() == (tmp_path / "one.skops").read_bytes()


def test_shared_arrays_come_back_shared_and_equal_ones_apart(tmp_path: Path) -> None:
    shared = np.arange(3.0)
    skops_file.dump({"a": shared, "b": shared, "c": np.arange(3.0)}, tmp_path / "x.skops")
    again = skops_file.load(tmp_path / "x.skops", ())
    assert again["a"] is again["b"]
    assert again["c"] is not again["a"]
    assert again["c"].tolist() == [0, 1, 2]


def test_our_own_types_are_refused_unless_named(tmp_path: Path) -> None:
    skops_file.dump(_fitted(), tmp_path / "model.skops")
    with pytest.raises(ModelError) as error:
        skops_file.load(tmp_path / "model.skops", _TRUSTED[:1])
    assert str(error.value) == (
        f"{tmp_path}/model.skops: holds types we do not trust: tagger.models.linear_head.LinearHead."
    )


def test_a_foreign_type_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(skops.io.dumps({"features": subprocess.Popen}))
    with pytest.raises(ModelError, match=r"holds types we do not trust: .*Popen"):
        skops_file.load(tmp_path / "model.skops", _TRUSTED)


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x04K\x05.", b"PK\x03\x04", b"x" * 500], ids=["empty", "pickle", "zip", "x"]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "model.skops").write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.skops: not a readable model file \(BadZipFile\)\. Train"):
        skops_file.load(tmp_path / "model.skops", _TRUSTED)


def test_an_archive_without_a_schema_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(ModelError, match=r"not a readable model file \(KeyError\)"):
        skops_file.load(tmp_path / "model.skops", _TRUSTED)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.skops: not a readable model file \(FileNotFoundError\)"):
        skops_file.load(tmp_path / "model.skops", _TRUSTED)


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skops_file, "_MAX_EXPANDED", 1 << 20)
    with zipfile.ZipFile(tmp_path / "model.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * ((1 << 20) + 1))
    with pytest.raises(ModelError, match="unpacks to more than 1 MiB"):
        skops_file.load(tmp_path / "model.skops", _TRUSTED)
