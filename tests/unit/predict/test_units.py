"""Units: at every level, every sentence of the page stands in exactly one row."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.bulletins.bulletin import parse_bulletin
from tagger.models.storage import Model
from tagger.predict.tagging import TaggedBulletin, tag_bulletin
from tagger.predict.units import LEVELS, units

_PIECES = st.sampled_from(
    [
        "强化巡控保稳定。",
        "一是开展宣传。",
        "（二）整治违停",
        "民警巡逻。",
        "打印本页",
        "来源：县公安局",
        "\n",
        "\n\n",
        " ",
        "3起",
    ]
)


def _places(tagged: TaggedBulletin) -> list[tuple[int, int]]:
    return [(p.index, s.index) for p in tagged.bulletin.paragraphs for s in p.sentences]


@pytest.mark.parametrize("level", LEVELS)
def test_every_sentence_is_in_one_unit_in_page_order(page: TaggedBulletin, level: str) -> None:
    assert [place for unit in units(page, level) for place in unit.sentences] == _places(page)


@pytest.mark.parametrize("level", LEVELS)
@given(pieces=st.lists(_PIECES, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_sentence_of_any_page_is_in_one_unit(lexicon: Model, level: str, pieces: list[str]) -> None:
    tagged = tag_bulletin(parse_bulletin("".join(pieces)), lexicon)
    rows = list(units(tagged, level))
    assert [place for unit in rows for place in unit.sentences] == _places(tagged)
    assert all(one.end <= other.start for one, other in pairwise(rows))
    for unit in rows:
        sentences = [tagged.bulletin.sentence(*place) for place in unit.sentences]
        assert (unit.start, unit.end) == (sentences[0].start, sentences[-1].end)
        assert unit.noise == all(s.noise for s in sentences)


def test_measures_stand_between_what_is_outside_them(page: TaggedBulletin) -> None:
    rows = [(u.kind, u.index, u.start, u.end, u.noise, u.tags.domains) for u in units(page, "measure")]
    assert rows == [
        ("text", 0, 0, 13, False, ()),
        ("text", 1, 14, 38, True, ()),
        ("measure", 0, 40, 75, False, ("patrol", "propaganda")),
        ("measure", 1, 76, 115, False, ("traffic",)),
        ("text", 2, 116, 120, True, ()),
    ]


def test_paragraphs_have_the_index_of_the_page(page: TaggedBulletin) -> None:
    rows = [(u.kind, u.index, u.noise) for u in units(page, "paragraph")]
    assert rows == [("paragraph", i, i in (1, 4)) for i in range(5)]


def test_sentences_have_the_index_of_their_paragraph(page: TaggedBulletin) -> None:
    assert [u.index for u in units(page, "sentence")] == [0, 0, 0, 1, 2, 0, 1, 2, 0]


def test_outside_measures_a_paragraph_is_parted_from_the_next_and_from_its_furniture(lexicon: Model) -> None:
    page = "县局召开会议。民警巡逻。[打印本页]\n派出所开展宣传。"
    tagged = tag_bulletin(parse_bulletin(page), lexicon)
    assert [page[u.start : u.end] for u in units(tagged, "measure")] == [
        "县局召开会议。民警巡逻。", "[打印本页]", "派出所开展宣传。"
    ]  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
def test_an_empty_page_has_no_units(lexicon: Model, level: str) -> None:
    assert list(units(tag_bulletin(parse_bulletin("\n"), lexicon), level)) == []
