"""Bytes to text: the right encoding or an error, never another text."""

from __future__ import annotations

import codecs
import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tagger.bulletins.decoding import decode
from tagger.bulletins.frequency import common_characters
from tagger.errors import DecodingError, UsageError

SIMPLIFIED = "青石县公安局组织民警在夜市巡逻，检查车辆36辆，劝离违停车辆；群众纷纷点赞。\r\n下一步将继续加强宣传。\n"
TRADITIONAL = "白鹿區公安分局組織民警在夜市巡邏，檢查車輛36輛，勸離違停車輛；群眾紛紛點讚。\r\n下一步將繼續加強宣傳。\n"
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "big5hkscs", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
_PHRASES = st.sampled_from(
    [
        "县公安局",
        "民警",
        "巡逻防控",
        "在夜市",
        "加强宣传",
        "交通秩序",
        "群众",
        "开展",
        "专项行动",
        "，发放资料",
        "。",
        "、",
        "36份",
        "110",
        "APP",
        "\n",
        "“平安”",
        "（三）",
        "違停整治",
        "宣傳",
        "警務",
        "派出所",
        "反詐",
        "出動警力",
        "保護",
        "鄉鎮",
        "為民服務",
        "；",
        "！",
        "%",
        "QQ",
        "2023-07-14",
        "https://gaj.example.cn/a?b=1",
    ]
)


def _hanzi(text: str) -> int:
    return sum("CJK" in unicodedata.name(char, "") for char in text)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_chinese_is_recognised_in_every_encoding(encoding):
    assert decode(TRADITIONAL.encode(encoding)) == TRADITIONAL
    if encoding != "big5hkscs":  # which has no simplified characters
        assert decode(SIMPLIFIED.encode(encoding)) == SIMPLIFIED


@given(st.lists(_PHRASES, min_size=1, max_size=40).map("".join), st.sampled_from(ENCODINGS))
@settings(max_examples=400, deadline=None)
def test_a_text_of_real_words_is_itself_or_an_error(text, encoding):
    assume(_hanzi(text) >= 6)
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    try:
        decoded = decode(data)
    except DecodingError:
        decoded = text
    assert decoded == text


@given(st.data(), st.sampled_from(ENCODINGS))
@settings(max_examples=400, deadline=None)
def test_a_text_of_frequent_characters_is_itself_or_an_error(data, encoding):
    text = data.draw(st.text(st.sampled_from(sorted(common_characters())), min_size=8))
    try:
        encoded = text.encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    try:
        decoded = decode(encoded)
    except DecodingError:
        decoded = text
    assert decoded == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
@settings(max_examples=300, deadline=None)
def test_any_text_with_a_mark_is_itself(text):
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert decode(text.encode(encoding)) == text


@given(st.binary())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_text_or_a_decoding_error(data):
    try:
        text = decode(data)
    except DecodingError:
        return
    assert "\0" not in text


@pytest.mark.parametrize("text", ["", "ok\n", "Patrol report, 2023-07-14.\r\n", "N/A", "a" * 100_000])
def test_plain_ascii_is_read_as_it_is(text):
    assert decode(text.encode()) == text


@pytest.mark.parametrize(
    "text", ["Привет, как дела у патруля сегодня", "Überprüfung der Straße", "대한민국 경찰청 순찰"]
)
def test_other_languages_in_utf8_stay_themselves(text):
    assert decode(text.encode()) == text


@pytest.mark.parametrize(("text", "encoding"), [("通", "gb18030"), ("实住", "gb18030"), ("色省", "gb18030")])
def test_gbk_that_is_valid_utf8_by_chance_is_an_error(text, encoding):
    assert text.encode(encoding).decode("utf-8") != text
    with pytest.raises(DecodingError) as caught:
        decode(text.encode(encoding), where="a.txt")
    assert str(caught.value) == (
        "a.txt: valid UTF-8 that is no Chinese, while gb18030 makes Chinese of it. "
        "Pass --encoding gb18030 or --encoding utf-8. Nothing was tagged."
    )
    assert decode(text.encode(encoding), encoding=encoding) == text


def test_control_characters_count_against_a_reading():
    data = "在夜市“平安”“平安”".encode("utf-16-le")
    assert data.decode("big5hkscs") == "(W\x1cY\x02^\x1c s^团\x1d \x1c s^团\x1d "
    assert decode(data) == "在夜市“平安”“平安”"


@pytest.mark.parametrize("text", ["民警在夜市\x1f巡逻。", "\x0c民警在夜市巡逻。", "\x08" * 9 + "民警在夜市巡逻。"])
def test_a_stray_control_character_in_utf8_is_no_reason_to_doubt_it(text):
    assert decode(text.encode()) == text


@pytest.mark.parametrize("text", ["鄃梚沐袉", "獤峪叿溟"])
def test_private_characters_count_against_a_reading(text):
    # As UTF-16 these bytes are one frequent hanzi among characters that no text has.
    with pytest.raises(DecodingError):
        decode(text.encode("gb18030"))


def test_a_mark_is_not_part_of_the_text():
    assert decode(codecs.BOM_UTF8 + "巡逻".encode()) == "巡逻"
    assert decode(codecs.BOM_UTF8 + "巡逻".encode(), encoding="utf-8") == "巡逻"
    assert decode("巡逻".encode("utf-16"), encoding="utf-16") == "巡逻"
    assert decode(codecs.BOM_UTF16_LE + "巡逻".encode("utf-16-le"), encoding="utf-16-le") == "巡逻"


def test_newlines_stay_as_they_are():
    assert decode("巡逻\r\n防控\r查控\n".encode()) == "巡逻\r\n防控\r查控\n"


def test_a_declared_encoding_decides_where_the_bytes_are_too_few():
    page = '<meta charset="gbk">巡逻'.encode("gb18030")
    assert decode(page) == '<meta charset="gbk">巡逻'


@pytest.mark.parametrize("declared", ["big5", "iso-8859-1", "windows-1252", "utf-8", "latin1", "nonsense", "rot13"])
def test_a_wrong_declaration_does_not_win_over_the_bytes(declared):
    page = f'<html><meta charset="{declared}"><p>{SIMPLIFIED}</p></html>'
    assert decode(page.encode("gb18030")) == page


def test_the_tags_of_a_page_do_not_hide_its_encoding():
    page = '<div class="article-content"><span style="font-family:SimSun">民警巡逻。</span></div>\n' * 20
    assert decode(page.encode("gb18030")) == page


@pytest.mark.parametrize("text", [SIMPLIFIED, "民警" * 40_000], ids=["short", "long"])
def test_nul_is_told_with_its_offset(text):
    with pytest.raises(DecodingError) as caught:
        decode((text + "\0").encode(), where="a.txt")
    assert str(caught.value) == f"a.txt: not text: NUL character at offset {len(text)}. Nothing was tagged."


def test_binary_bytes_are_refused_with_what_was_found():
    with pytest.raises(DecodingError) as caught:
        decode(bytes(range(256)) * 16, where="photo.txt")
    assert str(caught.value) == (
        "photo.txt: not UTF-8 (byte 0x80 at offset 128), and no other encoding is clearly right. "
        "Pass --encoding if you know it; a binary file cannot be read. Nothing was tagged."
    )


def test_a_damaged_gbk_file_is_refused_and_not_mended():
    damaged = SIMPLIFIED.encode("gb18030") * 50 + b"\xff\xff"
    with pytest.raises(DecodingError) as caught:
        decode(damaged, where="a.txt")
    assert str(caught.value) == (
        "a.txt: not UTF-8 (byte 0xC7 at offset 0), and looks like gb18030 but has damaged bytes. "
        "Mend the file or convert it to UTF-8. Nothing was tagged."
    )


def test_a_utf8_file_cut_within_a_character_is_refused():
    with pytest.raises(DecodingError, match="not UTF-8"):
        decode((SIMPLIFIED * 10).encode()[:-3])


def test_a_named_encoding_is_used_alone():
    assert decode(SIMPLIFIED.encode("gb18030"), encoding="GBK") == SIMPLIFIED
    with pytest.raises(DecodingError) as caught:
        decode(SIMPLIFIED.encode("gb18030"), where="a.txt", encoding="utf-8")
    assert str(caught.value) == (
        "a.txt: not utf-8 (byte 0xC7 at offset 0). Leave --encoding out to have it recognised. Nothing was tagged."
    )


@pytest.mark.parametrize("encoding", ["no-such", "utf8000"])
def test_an_unknown_encoding_is_wrong_use(encoding):
    with pytest.raises(UsageError) as caught:
        decode(b"", encoding=encoding)
    assert str(caught.value) == (
        f"--encoding: unknown encoding '{encoding}'. Use a name such as utf-8, gb18030, big5 or utf-16."
    )


@pytest.mark.parametrize("encoding", ["base64", "rot13", "zip"])
def test_a_codec_that_is_no_text_encoding_is_an_error(encoding):
    with pytest.raises(UsageError, match=f"unknown encoding '{encoding}'"):
        decode(b"abc", encoding=encoding)
