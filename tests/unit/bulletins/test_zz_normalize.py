"""Normalised text: what is folded, what stays, and the way back to the original."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins.normalize import NormalizedText, normalize

_RICH = st.text(
    st.sampled_from(
        "巡邏防控紀律乾坤麼么著后裏風字 \u3000\t\n\u200b\ufeff()（）[]【】“”‘’「」,，。、;；!？"
        "jìfēnglǜde\u0301\u0304ｶﾞＡ１％①éÃ�\ue000"
    )
)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("ＡＰＰ１２０％（试行）：好！？；，", "APP120%(试行):好!?;,"),
        ("“平安”‘守护’「和谐」『安宁』＂＇", '"平安"\'守护\'"和谐""安宁""\''),
        ("巡逻。防控、查控", "巡逻。防控、查控"),
        ("巡逻｡防控､查控﹐﹔﹕﹖﹗﹙﹚", "巡逻。防控、查控,;:?!()"),
        ("二〇二三‐‑‒–―─━", "二〇二三----———"),
        ("⼯作⽅法", "工作方法"),
        ("\uf907", "龟"),
        ("ｶﾞﾊﾟ", "ガパ"),
        ("①一、㈠", "①一、㈠"),
    ],
)
def test_width_and_odd_forms_are_folded(text, normalized):
    assert normalize(text).text == normalized


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("強化巡邏防控，維護社會穩定", "强化巡逻防控,维护社会稳定"),
        ("冒著嚴寒、沒什麼、裏面、乾淨、乾坤、皇后、以後", "冒着严寒、没什么、里面、干净、乾坤、皇后、以后"),
        ("么", "么"),
        ("戶籍窗口辦證、網絡電信詐騙", "户籍窗口办证、网络电信诈骗"),
    ],
)
def test_traditional_script_is_folded_to_simplified(text, normalized):
    assert normalize(text).text == normalized


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("紀(jì)律作風(fēng)", "纪律作风"),
        ("纪（jì）律", "纪律"),
        ("纪（ｊì）律", "纪律"),
        ("紀 (jì) 律", "纪律"),
        ("他們(men)的(de)", "他们的"),
        ("風(fe\u0304ng)險", "风险"),
        ("執(zhí)勤(qín)崗(gǎng)位(wèi)", "执勤岗位"),
        ("字(zì)(zi)(zi) (zi)", "字"),
        ("綠(lǜ)色", "绿色"),
    ],
)
def test_inserted_pinyin_is_taken_out(text, normalized):
    assert normalize(text).text == normalized


@pytest.mark.parametrize(
    "text",
    [
        "国家反诈中心(APP)",
        "特勤中队(PTU)",
        "全程12公里(km)",
        "(de)",
        "民警(dé)x",
        "案(DE)",
        "局(jì律)",
        "平台(app)",
        "一村(居)一警",
    ],
)
def test_other_brackets_stay(text):
    assert normalize(text).text == text


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("\u3000\u3000强化  夜间 巡逻", "强化夜间巡逻"),
        ("巡\u200b逻\ufeff防\u2060控\u00ad查\u200d控", "巡逻防控查控"),
        ("查处\u00a036\u2003辆", "查处36辆"),
        ("police  \t patrol\u2009team", "police patrol team"),
        ("a\u3164b\u2800c\ufffcd", "a b c d"),
        ("第一行\r\n第二行", "第一行第二行"),
        (" \n ", ""),
    ],
)
def test_white_space_is_folded_and_gone_beside_hanzi(text, normalized):
    assert normalize(text).text == normalized


@pytest.mark.parametrize("broken", ["\ufffd", "\ue000", "\0", "\x1b", chr(0xD800), "\u202e", "\U000f0000"])
def test_broken_and_invisible_characters_are_dropped(broken):
    assert normalize(f"巡{broken}逻").text == "巡逻"


def test_tone_marks_join_their_letter_and_others_vanish():
    assert normalize("e\u0301a\u0301\u0301巡\u0301").text == "éá巡"
    assert normalize("\u0301巡").text == "巡"


def test_every_character_knows_where_it_stood():
    result = normalize("\u3000紀(jì)律，ＡＰＰ")
    assert result == NormalizedText("纪律,APP", (1, 6, 7, 8, 9, 10))


def test_a_span_leads_back_to_the_original():
    text = "\u3000紀(jì)律，強化 巡邏。"
    result = normalize(text)
    start = result.text.index("强化巡逻")
    begin, end = result.original_span(start, start + 4)
    assert text[begin:end] == "強化 巡邏"


@pytest.mark.parametrize(("span", "place"), [((0, 0), 1), ((1, 1), 3), ((2, 1), 5)])
def test_an_empty_span_is_a_place(span, place):
    assert normalize(" 巡 逻 队").original_span(*span) == (place, place)


def _check(text: str) -> None:
    result = normalize(text)
    assert normalize(result.text).text == result.text
    assert len(result.offsets) == len(result.text)
    assert all(a < b for a, b in zip(result.offsets, result.offsets[1:], strict=False))
    assert all(0 <= offset < len(text) for offset in result.offsets)
    assert result.text == result.text.strip()
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs") for char in result.text)


@given(st.text(st.characters()))
@settings(max_examples=4000, deadline=None)
def test_any_text_settles_and_keeps_its_order(text):
    _check(text)


@given(_RICH)
@settings(max_examples=4000, deadline=None)
def test_a_text_rich_in_what_is_folded_settles_and_keeps_its_order(text):
    _check(text)


@given(st.text(st.characters(categories=["Cs"])), st.text())
@settings(max_examples=4000, deadline=None)
def test_lone_surrogates_are_dropped(surrogates, text):
    assert normalize(surrogates + text).text == normalize(text).text


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
@settings(max_examples=4000, deadline=None)
def test_hanzi_are_folded_one_for_one(text):
    assert normalize(text).offsets == tuple(range(len(text)))


@pytest.mark.parametrize(
    "unit", ["(de)", " (de)", "(de", "字(", "字(de)", "字 ", " ", "e\u0301", "\u0301", "ｶﾞ", "乾", "麼", "\u200b", "(jì"]
)
def test_time_grows_with_the_length_of_a_line(unit, assert_linear):
    assert_linear(normalize, unit, around=("字", ""), top=100_000)
