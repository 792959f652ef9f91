"""The terminal table: control characters taken out, nothing taken for markup."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest

from tagger.models.storage import Model
from tagger.predict.bulk import _WRITERS, Request
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin


def _written(model: Model, *tagged: TaggedBulletin | TaggedRecord, explain: bool = False, level: str = "") -> str:
    stream = io.StringIO()
    writer = _WRITERS["table"](stream, model, Request("table", level=level or None, explain=explain))
    for thing in tagged:
        writer.record(thing) if isinstance(thing, TaggedRecord) else writer.bulletin(thing)
    writer.close()
    return stream.getvalue()


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_a_bulletin_is_a_row_a_measure_with_a_line_of_totals(page: TaggedBulletin) -> None:
    lines = _lines(_written(page.model, page))
    assert lines[0] == "某县公安局多措并举守护平安 · 2021-05-06 · 某县公安局"
    assert lines[1] == "# domains text"
    assert lines[3:] == [
        "— 某县公安局多措并举守护平安",
        "1 巡逻防控 0.50 强化巡控保稳定。巡特警每晚在夜市开展武装巡逻。向商户发放宣传单二百份。",
        "宣传 0.50",
        "2 交通管理 0.50 严查严管保畅通。对骑电动车不戴头盔的行为逐一教育。局党委召开会议学习文件精神。",
        "交通管理 1 · 巡逻防控 1 · 宣传 1 (3 rows, 2 lines of page furniture not shown)",
    ]


def test_evidence_stands_below_the_text(page: TaggedBulletin) -> None:
    lines = _lines(_written(page.model, page, explain=True))
    assert "宣传: 宣传单 +1.00" in lines
    assert "交通管理: 头盔 +1.00" in lines


def test_a_long_text_is_shortened(lexicon: Model, tag_fields: Callable[..., TaggedRecord]) -> None:
    tagged = tag_fields({"text": "民警巡逻，" * 30}).tagged
    assert tagged is not None
    row = _lines(_written(lexicon, tagged, level="sentence"))[3]
    assert re.fullmatch(r"1\.1 巡逻防控 0.50 (民警巡逻，){8}民警巡 ?…", row)


def test_evidence_and_tags_call_a_domain_alike(page: TaggedBulletin) -> None:
    text = _written(page.model, page, explain=True)
    assert not [id for id in page.model.domains.ids if id in text]


@pytest.mark.parametrize("level", ["measure", "paragraph", "sentence"])
def test_a_page_cannot_steer_the_terminal(hostile: TaggedBulletin, level: str) -> None:
    text = _written(hostile.model, hostile, explain=True, level=level)
    assert not [char for char in text if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160]
    assert not set(text) & set("\u202e\u200b\u2028\ufeff")
    assert "[31m开展宣传" in text


def test_markup_and_emoji_codes_are_shown_as_they_stand(
    lexicon: Model, tag_fields: Callable[..., TaggedRecord]
) -> None:
    good = tag_fields({"text": "民警[/b]巡逻[red]:smile:。"})
    bad = tag_fields({"raw": "[/a]"}, error="not [/JSON]")
    lines = _lines(_written(lexicon, good, bad))
    assert lines[2] == "4 巡逻防控 0.50 民警[/b]巡逻[red]:smile:。"
    assert lines[3] == "4 error: not [/JSON] [/a]"


def test_domain_names_are_shown_as_they_stand(hostile: TaggedBulletin) -> None:
    assert "<b>巡逻防控</b>[/red] 2" in _written(hostile.model, hostile)


def test_records_are_a_row_each_with_their_line(lexicon: Model, tag_fields: Callable[..., TaggedRecord]) -> None:
    found = [tag_fields({"text": "民警巡逻。发放宣传单。"}), tag_fields({"text": "开会。"})]
    assert _lines(_written(lexicon, *found))[2:] == [
        "4 巡逻防控 0.50 民警巡逻。发放宣传单。", "宣传 0.50", "4 — 开会。"
    ]  # fmt: skip


def test_a_bad_record_whose_raw_field_is_no_text_is_shown(
    lexicon: Model, tag_fields: Callable[..., TaggedRecord]
) -> None:
    assert _lines(_written(lexicon, tag_fields({"raw": 5}, error="no field 'text'")))[2] == "4 error: no field 'text' 5"


def test_records_are_shown_two_hundred_at_a_time(lexicon: Model, tag_fields: Callable[..., TaggedRecord]) -> None:
    lines = _lines(_written(lexicon, *[tag_fields({"text": "开会。"})] * 450))
    assert lines.count("# domains text") == 3
    assert lines.count("4 — 开会。") == 450


def test_records_before_a_bulletin_are_shown_before_it(
    lexicon: Model, page: TaggedBulletin, tag_fields: Callable[..., TaggedRecord]
) -> None:
    text = _written(lexicon, tag_fields({"text": "开会。"}), page)
    assert text.index("开会。") < text.index("守护平安")
