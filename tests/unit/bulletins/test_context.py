"""A sentence in its context: lead-in, neighbours and title."""

from __future__ import annotations

from tagger.bulletins.bulletin import parse_bulletin
from tagger.bulletins.context import TextInContext, sentences_in_context

TEXT = (
    "守護夏夜平安\n"
    "来源：云岭县公安局\n"
    "强化巡控保稳定。民警步行巡逻。请输入验证码。群众点赞。\n"
    "优化服务\n"
    "民警上门办证。\n"
    "夜巡.jpg\n"
)


def test_every_sentence_of_content_has_its_context():
    contexts = [context for _, _, context in sentences_in_context(parse_bulletin(TEXT))]
    title, lead = "守护夏夜平安", "强化巡控保稳定。"
    assert contexts == [
        TextInContext(title),
        TextInContext(lead, following="民警步行巡逻。", title=title),
        TextInContext("民警步行巡逻。", lead, previous=lead, following="请输入验证码。", title=title),
        TextInContext("请输入验证码。", lead, previous="民警步行巡逻。", following="群众点赞。", title=title),
        TextInContext("群众点赞。", lead, previous="请输入验证码。", title=title),
        TextInContext("优化服务", title=title),
        TextInContext("民警上门办证。", "优化服务", title=title),
    ]


def test_each_context_stands_with_its_paragraph_and_sentence():
    bulletin = parse_bulletin(TEXT)
    for paragraph, sentence, context in sentences_in_context(bulletin):
        assert bulletin.sentence(paragraph.index, sentence.index) is sentence
        assert not sentence.noise
        assert context.text == sentence.normalized


def test_furniture_within_a_paragraph_is_nobodys_neighbour():
    bulletin = parse_bulletin("守护夏夜平安\n民警步行巡逻。ÀÁÂÃ。群众点赞。\n")
    contexts = [context for _, _, context in sentences_in_context(bulletin)]
    assert [c.text for c in contexts] == ["守护夏夜平安", "民警步行巡逻。", "群众点赞。"]
    assert (contexts[1].following, contexts[2].previous) == ("群众点赞。", "民警步行巡逻。")


def test_without_a_title_or_text_there_is_no_context():
    assert sentences_in_context(parse_bulletin("")) == []
    assert [c for _, _, c in sentences_in_context(parse_bulletin("民警巡逻。"))] == [TextInContext("民警巡逻。")]
