"""Paragraphs: one a line, or the lines of a hard-wrapped page put together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins.paragraphs import split_paragraphs

WRAPPED = (
    "    入秋以来，云岭县公安局把夜间巡防作为守护平安的重要抓手\n"
    "，每晚组织五个巡逻组深入夜市、广场、车站等人员密集的场所\n"
    "开展步行巡逻，及时劝阻纠纷，盘查可疑车辆，群众的安全感得\n"
    "到明显提升。\n"
    "    与此同时，交警大队在城区八个路口设置执勤点，疏导早晚高\n"
    "峰车流，劝离违停车辆一百二十台，确保了主干道安全畅通有序\n"
    "，受到过往司机的好评。\n"
)


def _texts(text: str) -> list[str]:
    return [text[start:end] for start, end in split_paragraphs(text)]


@pytest.mark.parametrize(
    "newline", ["\n", "\r\n", "\r", "\n\n\n", "\v", "\f", "\x85", "\u2028", "\u2029", "\x1c", " \n\u3000\n"]
)
def test_a_line_is_a_paragraph_whatever_ends_it(newline):
    assert [p.strip() for p in _texts(f"强化巡控。{newline}疏导交通。")] == ["强化巡控。", "疏导交通。"]


@pytest.mark.parametrize("text", ["", "\n", " \r\n\u3000\n"])
def test_blank_lines_are_no_paragraphs(text):
    assert split_paragraphs(text) == []


def test_a_hard_wrapped_page_is_put_together():
    first, second = (p.replace("\n", "").strip() for p in _texts(WRAPPED))
    assert (first[:4], first[-6:]) == ("入秋以来", "到明显提升。")
    assert (second[:4], second[-6:]) == ("与此同时", "司机的好评。")


def test_a_wrapped_page_with_carriage_returns_is_put_together_too():
    assert len(_texts(WRAPPED.replace("\n", "\r\n"))) == 2


def test_a_blank_line_parts_wrapped_paragraphs():
    lines = WRAPPED.splitlines()
    assert len(_texts("\n".join([*lines[:2], "", *lines[2:]]))) == 3


def test_a_page_break_parts_wrapped_paragraphs():
    lines = WRAPPED.splitlines()
    assert len(_texts("\n".join(lines[:2]) + "\n\f" + "\n".join(lines[2:]))) == 3


def test_full_lines_that_end_their_sentences_stay_apart():
    line = "民警在河滨路开展步行巡逻并盘查可疑的车辆和人员。\n"
    assert len(_texts(line * 8)) == 8


def test_a_few_lines_are_never_put_together():
    assert len(_texts("".join(WRAPPED.splitlines(keepends=True)[:5]))) == 5


def test_a_list_of_slogans_of_one_width_is_not_put_together():
    assert len(_texts("强化巡控\n疏导交通\n优化服务\n反诈宣传\n" * 3)) == 12


def test_long_lines_are_never_put_together():
    line = "民警在河滨路开展步行巡逻并盘查可疑车辆，" * 5
    assert len(_texts(f"{line}\n" * 8)) == 8


def test_rows_of_a_table_of_one_width_stay_apart():
    row = "张某某，云A1234{}，小型轿车，人民路与龙泉路口北侧，酒驾\n"
    assert len(_texts("".join(row.format(n) for n in range(7)))) == 7


def test_titles_of_one_width_stay_apart():
    title = "云岭县公安局“{}个到位”，全力以赴护航平安度假旺季\n"
    assert len(_texts("".join(title.format(n) for n in "三四五六七八"))) == 6


def test_a_frame_of_other_widths_does_not_hide_that_a_page_is_wrapped():
    head = "首页\n平安云岭\n云岭县公安局强化夜间巡防\n发布时间：2023-08-14\n"
    foot = "版权所有：云岭县公安局　地址：云岭县人民路五十五号　邮编：650000　滇ICP备12345678号\n"
    page = _texts(head + WRAPPED + foot)
    assert [p.strip()[:4] for p in page[4:6]] == ["入秋以来", "与此同时"]
    assert len(page) == 7


@given(st.one_of(st.text(), st.text(st.sampled_from("巡逻a。；”) \u3000\r\n\f\x1c"), max_size=80)))
@settings(max_examples=400, deadline=None)
def test_paragraphs_are_in_order_and_hold_every_character_but_white_space(text):
    end = 0
    for start, stop in split_paragraphs(text):
        assert not text[end:start].strip()
        assert text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize("unit", ["\n", "甲\n", "。\n", "。”\n", "。  ", "。”", " \n", "\r", "甲乙丙丁\n"])
def test_time_grows_with_the_length_of_a_text(unit, assert_linear):
    assert_linear(split_paragraphs, unit, around=("", "甲"))


PRINTED = ["一是强化巡控。每晚组织三个巡逻组沿河滨路步行", "巡逻。", "二是疏导交通。早晚高峰在八个路口设置了执勤点"]


def test_printed_lines_run_on_when_full_and_unended():
    text = "\n".join([*PRINTED, "，劝离车辆。", "三是反诈宣传。民警走进社区发放了宣传单四百份。", "四是夜巡。"])
    paragraphs = [text[start:end].replace("\n", "") for start, end in split_paragraphs(text, wrapped=True)]
    assert [paragraph[:2] for paragraph in paragraphs] == ["一是", "二是", "三是", "四是"]


@pytest.mark.parametrize("text", ["", "\n", "强化巡控\n疏导交通", f"{PRINTED[0]}\n\n{PRINTED[2]}"])
def test_printed_lines_stay_apart_when_narrow_or_parted(text):
    assert split_paragraphs(text, wrapped=True) == split_paragraphs(text)
