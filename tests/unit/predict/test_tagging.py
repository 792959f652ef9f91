"""Tagging: tags at every level are unions, furniture has none, batches change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tagger.bulletins.bulletin import Bulletin, parse_bulletin
from tagger.models.storage import Model
from tagger.predict import tagging
from tagger.predict.tagging import TaggedBulletin, tag_bulletin, tag_bulletins


def test_a_sentence_is_tagged_where_its_score_reaches_the_threshold(lexicon: Model) -> None:
    bulletin = parse_bulletin("民警巡逻。走访群众。")
    at, above = tag_bulletin(bulletin, lexicon), tag_bulletin(bulletin, lexicon.with_threshold(0.51))
    first, second = bulletin.paragraphs[0].sentences
    assert at.sentence_tags(bulletin.paragraphs[0], first).domains == ("patrol",)
    assert at.sentence_tags(bulletin.paragraphs[0], second).domains == ()
    assert above.sentence_tags(bulletin.paragraphs[0], first).domains == ()
    assert above.sentence_tags(bulletin.paragraphs[0], first).scores.tolist() == [0, 0.5, 0]


def test_a_larger_unit_has_the_tags_of_its_sentences_in_column_order(page: TaggedBulletin) -> None:
    bulletin = page.bulletin
    assert [page.paragraph_tags(p).domains for p in bulletin.paragraphs] == [
        (), (), ("patrol", "propaganda"), ("traffic",), ()
    ]  # fmt: skip
    assert [page.measure_tags(m).domains for m in bulletin.measures] == [("patrol", "propaganda"), ("traffic",)]
    assert page.bulletin_tags.domains == ("traffic", "patrol", "propaganda")


def test_a_larger_unit_has_the_highest_score_of_its_sentences(lexicon: Model) -> None:
    tagged = tag_bulletin(parse_bulletin("开展宣传。举办讲座，发放宣传单。民警巡逻。"), lexicon)
    assert tagged.bulletin_tags.scores.tolist() == [0, 0.5, 0.75]
    assert tagged.bulletin_tags.scores.dtype == np.float32


def test_page_furniture_is_never_tagged(lexicon: Model) -> None:
    tagged = tag_bulletin(parse_bulletin("民警巡逻。\n来源：市公安局宣传处\n"), lexicon)
    furniture = tagged.bulletin.paragraphs[1]
    assert furniture.noise
    assert tagged.sentence_tags(furniture, furniture.sentences[0]).domains == ()
    assert tagged.paragraph_tags(furniture).scores.tolist() == [0, 0, 0]
    assert tagged.bulletin_tags.domains == ("patrol",)


@pytest.mark.parametrize("text", ["", "\n\n", "打印本页"], ids=["empty", "blank", "furniture"])
def test_a_page_without_content_has_no_tags(lexicon: Model, text: str) -> None:
    tagged = tag_bulletin(parse_bulletin(text), lexicon)
    assert tagged.bulletin_tags.domains == ()
    assert tagged.bulletin_tags.scores.tolist() == [0, 0, 0]


def test_evidence_is_asked_for_by_domain(page: TaggedBulletin) -> None:
    evidence = page.explain(3, 1, "traffic")
    assert [(e.ngram, e.spans) for e in evidence] == [("头盔", ((7, 9),))]
    assert page.explain(3, 1, "patrol") == []


def _pages(n: int) -> list[Bulletin]:
    texts = ("民警巡逻。", "查处酒驾。开展宣传。\n劝离违停。", "", "开会。" * 7)
    return [parse_bulletin(texts[i % 4], id=str(i)) for i in range(n)]


@pytest.mark.parametrize("batch", [1, 2, 3, 512])
def test_many_bulletins_together_are_tagged_like_each_alone(
    tfidf: Model, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    alone = [tag_bulletin(bulletin, tfidf) for bulletin in _pages(9)]
    monkeypatch.setattr(tagging, "_BATCH", batch)
    together = list(tag_bulletins(_pages(9), tfidf))
    assert [t.bulletin.id for t in together] == [str(i) for i in range(9)]
    for one, other in zip(alone, together, strict=True):
        assert one.tags.keys() == other.tags.keys()
        for place, tags in one.tags.items():
            assert tags.domains == other.tags[place].domains
            assert np.array_equal(tags.scores, other.tags[place].scores)


def test_no_more_than_a_batch_of_sentences_is_held(lexicon: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "_BATCH", 4)
    read: list[str] = []

    def pages() -> Iterator[Bulletin]:
        for i in range(1000):
            read.append(str(i))
            yield parse_bulletin("民警巡逻。开会。", id=str(i))

    tagged = tag_bulletins(pages(), lexicon)
    assert next(tagged).bulletin.id == "0"
    assert len(read) == 2


def test_a_batch_larger_than_one_call_is_scored_in_several(lexicon: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "_BATCH", 4)
    tagged = tag_bulletin(parse_bulletin("民警巡逻。" * 11), lexicon)
    assert len(tagged.tags) == 11
    assert {tags.domains for tags in tagged.tags.values()} == {("patrol",)}


def test_no_bulletins_give_nothing(lexicon: Model) -> None:
    assert list(tag_bulletins([], lexicon)) == []
