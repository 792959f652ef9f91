"""Cutting sentences into pieces, and long ones into windows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from tagger.corpus.examples import Examples
from tagger.errors import ModelError
from tagger.models.tokenization import PieceTokenizer


@pytest.fixture
def text(examples: Examples) -> str:
    """A long text without a piece that is unknown."""
    return "".join(text.text for text in examples.texts)[:200]


def _pieces(folder: Path, text: str) -> list[int]:
    return Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("max_length", [8, 9, 16, 64])
def test_windows_cover_every_piece_and_overlap_by_a_quarter(
    tiny_encoder_folder: Path, text: str, max_length: int
) -> None:
    tokenizer = PieceTokenizer.load(tiny_encoder_folder, max_length)
    overlap = (max_length - 2) // 4
    for n_chars in range(0, len(text), 7):
        pieces = _pieces(tiny_encoder_folder, text[:n_chars])
        [windows] = tokenizer.windows([text[:n_chars]])
        assert all(len(window) <= max_length for window in windows)
        assert {(window[0], window[-1]) for window in windows} == {(tokenizer.begin, tokenizer.end)}
        first, *others = [window[1:-1] for window in windows]
        for other in others:
            assert first[-overlap:] == other[:overlap]
            assert len(other) > overlap, "a window that says nothing new"
            first += other[overlap:]
        assert first == pieces


def test_a_text_that_just_fits_is_read_in_one_window(tiny_encoder_folder: Path, text: str) -> None:
    n_pieces = len(_pieces(tiny_encoder_folder, text[:30]))
    fits, too_short = (PieceTokenizer.load(tiny_encoder_folder, n_pieces + n) for n in (2, 1))
    assert [len(windows) for windows in fits.windows([text[:30]])] == [1]
    assert [len(windows) for windows in too_short.windows([text[:30]])] == [2]


def test_texts_are_cut_one_by_one(tiny_encoder_folder: Path, text: str) -> None:
    tokenizer = PieceTokenizer.load(tiny_encoder_folder, 16)
    texts = [text, "", text[:5], text]
    assert tokenizer.windows(texts) == [tokenizer.windows([one])[0] for one in texts]
    assert tokenizer.windows([""]) == [[[tokenizer.begin, tokenizer.end]]]
    assert tokenizer.windows([]) == []


def test_settings_of_the_file_that_would_cut_or_fill_up_are_undone(
    tiny_encoder_folder: Path, text: str, tmp_path: Path
) -> None:
    cutting = Tokenizer.from_file(str(tiny_encoder_folder / "tokenizer.json"))
    cutting.enable_truncation(10)
    cutting.enable_padding(length=300, pad_id=1, pad_token="<pad>")
    cutting.save(str(tmp_path / "tokenizer.json"))
    expected = PieceTokenizer.load(tiny_encoder_folder, 256).windows([text])
    assert PieceTokenizer.load(tmp_path, 256).windows([text]) == expected


def test_specials_of_both_families_are_known() -> None:
    xlm = {name: i for i, name in enumerate(["<unk>", "</s>", "<pad>", "<s>"])}
    bert = {name: i for i, name in enumerate(["[SEP]", "[PAD]", "[UNK]", "[CLS]"])}
    for vocabulary, expected in ((xlm, (3, 1, 2, 0)), (bert, (3, 0, 1, 2))):
        made = PieceTokenizer(Tokenizer(WordLevel(vocabulary, unk_token=None)))
        assert (made.begin, made.end, made.pad, made.unknown) == expected


@pytest.mark.parametrize("missing", ["<s>", "</s>", "<pad>", "<unk>"])
def test_a_tokenizer_without_a_special_piece_is_refused(missing: str) -> None:
    names = [name for name in ("<s>", "</s>", "<pad>", "<unk>") if name != missing]
    with pytest.raises(ValueError, match=f"no piece {missing} or "):
        PieceTokenizer(Tokenizer(WordLevel({name: i for i, name in enumerate(names)}, unk_token=None)))


def test_an_input_too_short_for_windows_is_refused(tiny_encoder_folder: Path) -> None:
    with pytest.raises(ModelError, match="max_length 7, expected at least 8"):
        PieceTokenizer.load(tiny_encoder_folder, 7)


def test_what_is_saved_cuts_alike(tiny_encoder_folder: Path, tmp_path: Path, text: str) -> None:
    tokenizer = PieceTokenizer.load(tiny_encoder_folder, 32)
    tokenizer.save(tmp_path)
    again = PieceTokenizer.load(tmp_path, 32)
    assert again.windows([text]) == tokenizer.windows([text])
    assert len(again) == len(tokenizer) == json.loads((tiny_encoder_folder / "config.json").read_text())["vocab_size"]


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"model": {"type": "WordLevel", "vocab": {}}}'])
def test_a_file_that_is_no_tokenizer_is_told_by_name(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError) as error:
        PieceTokenizer.load(tmp_path, 64)
    assert str(error.value).startswith(f"{tmp_path / 'tokenizer.json'}: not a tokenizer (")
