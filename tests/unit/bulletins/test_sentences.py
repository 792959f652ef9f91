"""Sentences: where they end, and that no character is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins.sentences import split_sentences


def _texts(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("强化巡控。盘查车辆！效果如何？很好；完毕", ["强化巡控。", "盘查车辆！", "效果如何？", "很好；", "完毕"]),
        ("强化巡控!盘查车辆?很好;", ["强化巡控!", "盘查车辆?", "很好;"]),
        ("半宽｡句号", ["半宽｡", "句号"]),
        ("他说：“放心！”随后离开。", ["他说：“放心！”", "随后离开。"]),
        ("（已整改。）下一步。", ["（已整改。）", "下一步。"]),
        ("《通告》发布了？！真的。。。", ["《通告》发布了？！", "真的。。。"]),
        ("“好。”』」】》", ["“好。”』」】》"]),
        ("一、强化巡控，二、疏导交通：三处", ["一、强化巡控，二、疏导交通：三处"]),
        ("同比下降40.14%,11.5公里", ["同比下降40.14%,11.5公里"]),
        ("见 http://a.cn/b?c=1&amp;d=2;e=3 页。完", ["见 http://a.cn/b?c=1&amp;d=2;e=3 页。", "完"]),
        ("  巡逻。\u3000\n 防控。 ", ["巡逻。", "防控。"]),
        ("", []),
        (" \u3000\n", []),
        ("。", ["。"]),
        ("！！！", ["！！！"]),
    ],
)
def test_a_sentence_ends_at_its_full_stop(text, sentences):
    assert _texts(text) == sentences


@given(st.one_of(st.text(), st.text(st.sampled_from("巡逻a1/=。！？；!?;｡”’\"'」）)】》 \u3000\n"))))
@settings(max_examples=400, deadline=None)
def test_sentences_are_in_order_and_hold_every_character_but_white_space(text):
    end = 0
    for start, stop in split_sentences(text):
        assert not text[end:start].strip()
        assert start < stop
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize("unit", ["。", "。 ", "。”", "”", "a?", "a;a", "?", " ", "巡逻，", "巡逻。"])
def test_time_grows_with_the_length_of_a_line(unit, assert_linear):
    assert_linear(split_sentences, unit, around=("。", "甲"))


def test_the_semicolon_of_an_entity_ends_nothing() -> None:
    text = "开展&ldquo;夜巡&rdquo;行动；查处违停十二起。"
    assert [text[a:b] for a, b in split_sentences(text)] == ["开展&ldquo;夜巡&rdquo;行动；", "查处违停十二起。"]
