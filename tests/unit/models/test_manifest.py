"""The manifest: read back as written, refused when damaged, its checksums held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import ModelError
from tagger.models.manifest import Manifest, check_files, checksums, read_manifest, version_of

_MANIFEST = Manifest(
    kind="lexicon", name="words", version="0123456789ab", normalizer_version=1, domains_version=2,
    tagger_version="0.1.0", seed=3, data={"n_texts": 7}, metrics={"f1_micro": 0.5},
)  # fmt: skip


def _changed(folder: Path, **changes: Any) -> None:
    _MANIFEST.write(folder)
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_manifest_is_read_back_as_written(tmp_path: Path) -> None:
    _MANIFEST.write(tmp_path)
    assert read_manifest(tmp_path) == _MANIFEST


def test_a_folder_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        read_manifest(tmp_path / "none")
    assert str(error.value) == f"{tmp_path}/none: no such model folder. See `tagger models list`."


def test_a_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json: no readable manifest \(FileNotFoundError\)"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}'], ids=repr)
def test_a_damaged_manifest_is_told_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelError) as error:
        read_manifest(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/manifest.json: no readable manifest (")
    assert str(error.value).endswith("Expected a folder written by `tagger train`.")


def test_a_manifest_cut_short_is_told_by_name(tmp_path: Path) -> None:
    _MANIFEST.write(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match=r"no readable manifest \(JSONDecodeError\)"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("format", [0, 2, "1", None])
def test_another_format_is_refused_with_both_numbers(tmp_path: Path, format: object) -> None:
    _changed(tmp_path, format=format)
    with pytest.raises(ModelError) as error:
        read_manifest(tmp_path)
    assert f"model format {format!r}, expected 1. Train it again" in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": []}, {"files": None}, {"files": {"a": 5}}, {"metrics": None}, {"kind": 5}, {"name": None},
        {"normalizer_version": "1"}, {"data": "x"}, {"surprise": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_that_holds_something_else_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    _changed(tmp_path, **changes)
    with pytest.raises(ModelError, match=r"no readable manifest \(TypeError\)"):
        read_manifest(tmp_path)


def test_checksums_are_of_every_file_but_the_manifest(tmp_path: Path) -> None:
    _MANIFEST.write(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.json").write_bytes(b"")
    (tmp_path / "b.json").write_bytes(b"abc")
    assert checksums(tmp_path) == {
        "b.json": {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "bytes": 3},
        "below/a.json": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "bytes": 0},
    }


def test_a_version_follows_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    files = {"a": {"sha256": "00", "bytes": 1}, "b": {"sha256": "11", "bytes": 2}}
    assert version_of(files) == version_of(dict(reversed(files.items())))
    assert len(version_of(files)) == 12
    assert version_of(files) != version_of({**files, "b": {"sha256": "12", "bytes": 2}})
    assert version_of(files) != version_of({"a": files["a"], "c": files["b"]})


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, Manifest]:
    """A folder of two files with a manifest of both."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(name)
    manifest = Manifest("lexicon", "words", "v", 1, 1, "0.1.0", files=checksums(tmp_path))
    manifest.write(tmp_path)
    return tmp_path, manifest


def test_a_folder_as_it_was_written_passes(model: tuple[Path, Manifest]) -> None:
    check_files(*model)


def test_a_missing_file_is_told_by_name(model: tuple[Path, Manifest]) -> None:
    folder, manifest = model
    (folder / "b.json").unlink()
    with pytest.raises(ModelError) as error:
        check_files(folder, manifest)
    assert str(error.value) == f"{folder}/b.json: missing. Train the model again or fetch it anew."


@pytest.mark.parametrize("data", [b"", b"b.jso", b"c.json"], ids=["emptied", "cut", "changed"])
def test_a_changed_file_is_told_by_name(model: tuple[Path, Manifest], data: bytes) -> None:
    folder, manifest = model
    (folder / "b.json").write_bytes(data)
    with pytest.raises(ModelError, match=r"b\.json: damaged, its checksum is not the manifest's\."):
        check_files(folder, manifest)


def test_a_foreign_file_is_told_by_name(model: tuple[Path, Manifest]) -> None:
    folder, manifest = model
    (folder / "payload.pkl").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"payload\.pkl: a file that the manifest does not list\. Remove it"):
        check_files(folder, manifest)
