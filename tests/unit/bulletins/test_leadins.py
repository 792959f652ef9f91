"""Lead-ins: numbered points, announcing slogans and headings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins.leadins import is_enumerated, is_heading, is_lead_in


@pytest.mark.parametrize(
    "sentence",
    [
        "一、强化巡控", "十二、反诈宣传", "第一,强化巡控", "第三、疏导交通", "1.强化巡控", "2、疏导交通",
        "(三)文明养犬", "(12)便民服务", "一是疏导交通。", "二要强化宣传。", "其一,巡逻。", "①巡逻", "⑵防控", "㈢宣传",
        "首先,统一思想。", "最后是巩固成果。", "——强化巡控", "●夜间巡逻", "★ 文明养犬",
    ],
)  # fmt: skip
def test_a_number_or_a_bullet_opens_a_point(sentence):
    assert is_enumerated(sentence)
    assert is_lead_in([sentence], 0)
    assert is_lead_in(["前一句。", sentence, "后一句。"], 1)


@pytest.mark.parametrize(
    "sentence", ["1.5公里", "110接处警", "一名民警", "十余人", "首先到场的民警", "其中三起", "-强化", ""]
)
def test_other_beginnings_do_not(sentence):
    assert not is_enumerated(sentence)


@pytest.mark.parametrize(
    "line", ["强化巡控", "文明养犬入人心", "一、强化巡控。", "聚焦“三个结合”,做实措施", '着眼"平安"', "甲" * 48]
)
def test_a_short_line_without_a_full_stop_is_a_heading(line):
    assert is_heading([line])


@pytest.mark.parametrize(
    "paragraph", [["强化巡控。"], ["强化巡控:"], ['"放心!"'], ["甲" * 49], ["强化巡控", "后一句。"], [], [""]]
)
def test_a_full_stop_a_second_sentence_or_length_is_not(paragraph):
    assert not is_heading(paragraph)


@pytest.mark.parametrize(
    "sentence", ["强化巡控保稳定。", "优化服务暖民心。", "全力疏导保畅通!", "严管严查,守护平安。", '"强化"字当头。']
)
def test_a_slogan_before_its_sentences_is_a_lead_in(sentence):
    assert is_lead_in([sentence, "民警在夜市巡逻。"], 0)
    assert is_lead_in(["前一句。", sentence, "民警在夜市巡逻。"], 1)


@pytest.mark.parametrize(
    "sentence",
    [
        "强化巡控出动警力120人次。",
        "强化巡控,疏导交通,优化服务。",
        "民警在夜市巡逻。",
        "强化巡控是分局常抓不懈的一项重要工作必须长期坚持下去。",
        "强化巡控,局长介绍说。",
        "强化巡控;",
        "强化巡控",
    ],
)
def test_figures_clauses_length_and_speech_are_no_lead_in(sentence):
    assert not is_lead_in([sentence, "民警在夜市巡逻。"], 0)


def test_the_last_sentence_of_a_paragraph_leads_nothing():
    assert not is_lead_in(["强化巡控保稳定。"], 0)
    assert not is_lead_in(["民警巡逻。", "强化巡控保稳定。"], 1)


def test_a_lead_in_within_a_paragraph_is_shorter_than_one_that_opens_it():
    sentence = "强化" + "巡" * 22 + "。"
    assert is_lead_in([sentence, "民警巡逻。"], 0)
    assert not is_lead_in(["民警巡逻。", sentence, "民警巡逻。"], 1)


@given(st.lists(st.text(st.sampled_from("一1强化巡控(),、.。:说\"' "), min_size=1), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_paragraph_gets_an_answer(paragraph):
    assert is_heading(paragraph) in (True, False)
    assert all(is_lead_in(paragraph, i) in (True, False) for i in range(len(paragraph)))


@pytest.mark.parametrize(
    "unit", ["一", "1", "1.", "(一)", "●", "● ", "强化", "说", "说道", '"', ",", "。", "——", "首先"]
)
def test_time_grows_with_the_length_of_a_sentence(unit, assert_linear):
    assert_linear(lambda text: (is_lead_in([text, "甲"], 0), is_heading([text])), unit, around=("强化", "!"))
