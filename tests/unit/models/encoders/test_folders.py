"""Encoders by name: built once, found again, mended, and never taken half."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tagger.errors import ModelError, OutputError
from tagger.models.encoders import folders, hub, packaged, provenance
from tagger.models.encoders.folders import find_encoder, get_encoder
from tagger.models.encoders.inspection import check_encoder

_FILES = {"config.json", "model.safetensors", "tokenizer.json", "provenance.json"}


@pytest.fixture
def encoder(tmp_path: Path, tiny_encoder_folder: Path) -> Path:
    """An encoder folder of somebody's own, without provenance."""
    return Path(shutil.copytree(tiny_encoder_folder, tmp_path / "own"))


@pytest.fixture
def word_piece_folder(encoder: Path) -> Path:
    """An encoder folder with ``vocab.txt`` for its tokenizer."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "公", "安", "app"]
    (encoder / "tokenizer.json").unlink()
    (encoder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    return encoder


def _edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")


# The packaged one


def test_the_packaged_one_is_built_once_and_found_again(
    small_package: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = find_encoder("packaged")
    assert folder == small_package / "packaged-1"
    assert {path.name for path in folder.iterdir()} == _FILES
    assert [path.name for path in small_package.iterdir()] == ["packaged-1"]

    monkeypatch.setattr(packaged, "find_package", lambda: pytest.fail("built twice"))
    assert find_encoder("packaged") == folder
    assert caplog.messages == []


def test_what_was_built_says_how_near_it_is_to_the_engine(small_package: Path) -> None:
    facts = provenance.check_provenance(find_encoder("packaged"))
    assert facts["parity"]["n_texts"] == 2
    assert facts["parity"]["cosine"] > 0.9999


@pytest.mark.parametrize("damage", ["changed", "missing", "no provenance", "nothing", "a file"])
def test_a_damaged_one_is_built_again(small_package: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    folder = small_package / "packaged-1"
    whole = provenance.check_provenance(find_encoder("packaged"))
    if damage == "changed":
        (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-1] + b"?")
    elif damage in ("missing", "no provenance"):
        (folder / {"missing": "tokenizer.json"}.get(damage, "provenance.json")).unlink()
    else:
        shutil.rmtree(folder)
        folder.mkdir() if damage == "nothing" else folder.write_text("?")
    assert provenance.check_provenance(find_encoder("packaged")) == whole
    assert caplog.messages == [f"{folder} is damaged; it is written again"]
    assert [path.name for path in small_package.iterdir()] == ["packaged-1"]


def test_a_provenance_that_lists_nothing_is_not_believed(small_package: Path) -> None:
    folder = find_encoder("packaged")
    (folder / "model.safetensors").unlink()
    _edit(folder / "provenance.json", files={})
    assert (find_encoder("packaged") / "model.safetensors").is_file()


def test_nothing_stays_behind_when_building_fails(small_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tagger.models.encoders import parity

    monkeypatch.setattr(parity, "LOWEST_COSINE", 1.1)
    with pytest.raises(ModelError, match="differs from the original"):
        find_encoder("packaged")
    assert list(small_package.iterdir()) == []


def test_of_two_that_build_at_once_the_first_stays(small_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, folder = packaged.build, small_package / "packaged-1"

    def build_while_another_ends(source: Path, made: Path) -> dict[str, object]:
        if made.parent == small_package:  # not the other one itself
            folder.mkdir()
            provenance.write_provenance(folder, build(source, folder) | {"by": "another"})
        return build(source, made)

    monkeypatch.setattr(packaged, "build", build_while_another_ends)
    assert provenance.check_provenance(find_encoder("packaged"))["by"] == "another"


def test_a_cache_that_cannot_be_written_is_told(small_package: Path) -> None:
    small_package.parent.write_text("a file is in the way")
    with pytest.raises(OutputError, match=r"packaged-1: cannot be written \(.+\)"):
        find_encoder("packaged")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path))
    assert folders.cache_folder() == tmp_path / "encoders"
    monkeypatch.delenv("TAGGER_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert folders.cache_folder() == tmp_path / "xdg" / "tagger" / "encoders"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folders.cache_folder() == tmp_path / ".cache" / "tagger" / "encoders"


# A folder


def test_a_folder_is_itself(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_encoder(str(encoder)) == encoder
    monkeypatch.setenv("HOME", str(encoder.parent))
    assert find_encoder("~/own") == encoder


def test_sizes_are_told_without_loading(encoder: Path) -> None:
    from transformers import BertModel

    model = BertModel.from_pretrained(encoder, add_pooling_layer=False)
    sizes = check_encoder(encoder)
    assert sizes.n_parameters == sum(weights.numel() for weights in model.parameters())
    assert (sizes.n_layers, sizes.hidden_size) == (2, 32)
    assert sizes.n_pieces == Tokenizer.from_file(str(encoder / "tokenizer.json")).get_vocab_size()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", '{"model_type": "xlm-roberta"}', r"model_type 'xlm-roberta', expected 'bert'"),
        ("config.json", '{"model_type": "bert"}', "hidden_size is no number"),
        ("config.json", "[]", r"config\.json: not a JSON object"),
        ("config.json", "{", r"config\.json: not a JSON object"),
        ("model.safetensors", "version https://git-lfs.github.com/spec/v1\n", "not a safetensors file"),
        ("model.safetensors", "", "not a safetensors file"),
        ("tokenizer.json", "{}", r"tokenizer\.json: not a tokenizer"),
    ],
)
def test_what_is_no_encoder_is_refused(encoder: Path, name: str, content: str, message: str) -> None:
    (encoder / name).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        find_encoder(str(encoder))


def test_more_pieces_than_the_encoder_knows_are_refused(encoder: Path) -> None:
    _edit(encoder / "config.json", vocab_size=5)
    with pytest.raises(ModelError, match=r"tokenizer\.json: \d+ pieces, the encoder knows 5"):
        find_encoder(str(encoder))


def test_weights_of_another_form_are_refused(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no model\.safetensors; expected config\.json, model\.safetensors, tok"):
        find_encoder(str(encoder))


def test_a_folder_of_ours_that_was_changed_is_refused(encoder: Path) -> None:
    provenance.write_provenance(encoder, {"name": "own"})
    assert find_encoder(str(encoder)) == encoder
    _edit(encoder / "config.json", hidden_act="relu")
    with pytest.raises(ModelError, match=r"config\.json: damaged, its checksum is not the one of provenance\.json"):
        find_encoder(str(encoder))


def test_a_folder_of_word_pieces_says_how_to_make_it_one(word_piece_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"`tagger encoders get \S+own --to DIR` makes one from vocab\.txt"):
        find_encoder(str(word_piece_folder))


# Getting


def test_the_packaged_one_can_be_got(small_package: Path, tmp_path: Path) -> None:
    facts = get_encoder("packaged", tmp_path / "here" / "mine")
    assert {path.name for path in (tmp_path / "here" / "mine").iterdir()} == _FILES
    assert facts["parity"]["n_texts"] == 2
    assert not small_package.exists()


def test_a_folder_is_copied_with_checksums(encoder: Path, tmp_path: Path) -> None:
    (encoder / "README.md").write_text("licence: MIT\n", encoding="utf-8")
    (encoder / "modeling_own.py").write_text("raise SystemExit\n", encoding="utf-8")
    facts = get_encoder(str(encoder), tmp_path / "mine")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == _FILES | {"README.md"}
    assert (facts["name"], facts["source"]) == ("own", "a local folder")
    assert find_encoder(str(tmp_path / "mine")) == tmp_path / "mine"


def test_a_copy_of_a_copy_keeps_where_it_is_from(small_package: Path, tmp_path: Path) -> None:
    first = get_encoder("packaged", tmp_path / "one")
    assert get_encoder(str(tmp_path / "one"), tmp_path / "two") == first


@pytest.mark.parametrize(
    ("settings", "expected"), [(None, [2, 5, 6, 7, 3]), ('{"do_lower_case": false}', [2, 5, 6, 1, 3])]
)
def test_word_pieces_become_a_tokenizer(
    word_piece_folder: Path, tmp_path: Path, settings: str | None, expected: list[int]
) -> None:
    if settings:
        (word_piece_folder / "tokenizer_config.json").write_text(settings, encoding="utf-8")
    get_encoder(str(word_piece_folder), tmp_path / "mine")
    made = Tokenizer.from_file(str(tmp_path / "mine" / "tokenizer.json"))
    assert made.encode("公安APP").ids == expected


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "公\n安\n".encode(), b""])
def test_a_list_that_is_none_of_pieces_is_told(word_piece_folder: Path, tmp_path: Path, content: bytes) -> None:
    (word_piece_folder / "vocab.txt").write_bytes(content)
    with pytest.raises(ModelError, match=r"own/vocab\.txt: no list of BERT's pieces"):
        get_encoder(str(word_piece_folder), tmp_path / "mine")


def test_an_encoder_of_ours_is_replaced(encoder: Path, tmp_path: Path) -> None:
    get_encoder(str(encoder), tmp_path / "mine")
    (tmp_path / "mine" / "tokenizer.json").unlink()
    _edit(encoder / "config.json", hidden_act="relu")
    get_encoder(str(encoder), tmp_path / "mine")
    assert json.loads((tmp_path / "mine" / "config.json").read_text(encoding="utf-8"))["hidden_act"] == "relu"


@pytest.mark.parametrize("name", ["notes.txt", "deep/notes.txt", "provenance.json"])
def test_a_folder_with_something_else_in_it_is_refused(encoder: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine" / name
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match=r"mine: holds something that is not an encoder of ours"):
        get_encoder(str(encoder), tmp_path / "mine")
    assert path.read_text(encoding="utf-8") == "{}"


def test_what_was_there_stays_when_getting_fails(encoder: Path, tmp_path: Path) -> None:
    before = get_encoder(str(encoder), tmp_path / "mine")
    (encoder / "model.safetensors").write_text("?")
    with pytest.raises(ModelError, match="not a safetensors file"):
        get_encoder(str(encoder), tmp_path / "mine")
    assert provenance.check_provenance(tmp_path / "mine") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "own"]


# The hub


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, and nobody to ask."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "_check_reachable", lambda name: pytest.fail("asked the hub"))
    return tmp_path / "hub"


def _put(encoder: Path, cache: Path, name: str, ref: str = "main") -> Path:
    """Put an encoder into a Hugging Face cache."""
    folder = cache / f"models--{name.replace('/', '--')}"
    snapshot = folder / "snapshots" / ("0123456789abcdef" * 3)[:40]
    shutil.copytree(encoder, snapshot)
    (folder / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
    (folder / "refs" / ref).write_text(snapshot.name)
    return snapshot


@pytest.mark.parametrize("name", ["macbert-base", "hfl/chinese-macbert-base"])
def test_a_repository_that_is_here_is_used_without_asking(encoder: Path, hub_cache: Path, name: str) -> None:
    snapshot = _put(encoder, hub_cache, "hfl/chinese-macbert-base")
    assert find_encoder(name) == snapshot


def test_a_pull_request_that_is_here_serves_for_main(encoder: Path, hub_cache: Path) -> None:
    snapshot = _put(encoder, hub_cache, "acme/own", "refs/pr/12")
    assert find_encoder("acme/own") == snapshot
    assert hub.find_cached("acme/own", "v1") is None


def test_a_repository_that_is_here_in_part_is_not_here(encoder: Path, hub_cache: Path) -> None:
    (_put(encoder, hub_cache, "acme/own") / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="acme/own: this encoder is not on this machine"):
        find_encoder("acme/own")


def test_a_repository_of_word_pieces_is_kept_with_a_tokenizer(
    word_piece_folder: Path, hub_cache: Path, tmp_path: Path
) -> None:
    snapshot = _put(word_piece_folder, hub_cache, "acme/own")
    folder = find_encoder("acme/own")
    assert folder == tmp_path / "cache" / "encoders" / "acme--own-0123456789ab"
    assert (folder / "tokenizer.json").is_file()
    assert not (snapshot / "tokenizer.json").exists()
    assert provenance.check_provenance(folder)["revision"] == snapshot.name
    assert find_encoder("acme/own") == folder


def test_one_that_is_here_is_got_with_its_commit_and_licence(encoder: Path, hub_cache: Path, tmp_path: Path) -> None:
    snapshot = _put(encoder, hub_cache, "BAAI/bge-small-zh-v1.5")
    facts = get_encoder("bge-small-zh", tmp_path / "mine")
    assert facts.keys() == {"name", "source", "revision", "licence", "files"}
    assert (facts["name"], facts["revision"], facts["licence"]) == ("BAAI/bge-small-zh-v1.5", snapshot.name, "MIT")


def test_one_that_is_not_here_says_what_to_do(hub_cache: Path) -> None:
    with pytest.raises(ModelError) as told:
        find_encoder("macbert-base")
    assert str(told.value) == (
        "hfl/chinese-macbert-base: this encoder is not on this machine. Fetch it with "
        "`tagger encoders get macbert-base --to DIR` and give model.encoder.name=DIR, or use "
        "the packaged one, which needs no network (model/encoder=packaged)."
    )


@pytest.mark.parametrize("name", ["nonsense", "./a/b", "a/b/c", "../x", "a//b", "", "-a/b", "~nobody/x"])
def test_what_is_no_name_is_told_with_the_names(hub_cache: Path, name: str) -> None:
    for attempt in (find_encoder, lambda name: get_encoder(name, hub_cache.parent / "mine")):
        with pytest.raises(ModelError, match=r"no such encoder\. Give a folder, packaged, macbert-base, roberta-wwm"):
            attempt(name)


def test_every_config_names_an_encoder_that_is_known() -> None:
    import yaml

    from tagger.project import project_path

    paths = sorted(project_path("conf/model/encoder").glob("*.yaml"))
    configs = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths}
    assert configs == {"packaged": {"name": "packaged"}, **{k: {"name": v.name} for k, v in hub.KNOWN.items()}}
