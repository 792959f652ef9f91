"""Five real bulletins, held out beside the checkout: our units are those of their gold."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from opencc import OpenCC

from tagger.bulletins.bulletin import Bulletin
from tagger.bulletins.normalize import normalize
from tagger.bulletins.reading import read_bulletin

IDS = ("s000", "s001", "s002", "s003", "s004")
_HAN = "\u4e00-\u9fff"


@pytest.fixture(scope="module")
def read(shared: Path) -> Callable[[str], Bulletin]:
    return lambda id: read_bulletin(shared / "bulletins" / f"{id}.txt")


@pytest.fixture(scope="module")
def gold(shared: Path) -> dict[str, list[dict]]:
    rows = defaultdict(list)
    for line in (shared / "gold" / "seeds.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["bulletin"]].append(row)
    return rows


def test_the_gold_is_about_these_bulletins(gold):
    assert tuple(sorted(gold)) == IDS


@pytest.mark.parametrize("id", IDS)
def test_every_sentence_is_that_of_the_gold_in_order(read, gold, id):
    ours = [(s.text, p.index, s.index, s.noise) for p in read(id).paragraphs for s in p.sentences]
    assert ours == [(row["text"], row["paragraph"], row["sentence"], row["noise"]) for row in gold[id]]


@pytest.mark.parametrize("id", IDS)
def test_every_unit_leads_back_to_the_file(read, shared, id):
    bulletin = read(id)
    assert bulletin.original == (shared / "bulletins" / f"{id}.txt").read_bytes().decode("utf-8")
    for paragraph in bulletin.paragraphs:
        for unit in (paragraph, *paragraph.sentences):
            assert bulletin.original[unit.start : unit.end] == unit.text
    for measure in bulletin.measures:
        assert bulletin.original[measure.start : measure.end].startswith(bulletin.sentence(*measure.sentences[0]).text)
        assert bulletin.original[measure.start : measure.end].endswith(bulletin.sentence(*measure.sentences[-1]).text)


@pytest.mark.parametrize(
    ("id", "date"),
    [("s000", "2022-02-18"), ("s001", "2020-11-04"), ("s002", "2016-08-19"), ("s003", None), ("s004", None)],
)
def test_the_date_is_the_one_the_page_states(read, id, date):
    assert read(id).date == date


def test_the_issuer_is_the_office_that_the_byline_states(read):
    bulletin = read("s000")
    byline = bulletin.paragraphs[1].text
    assert bulletin.issuer == byline.rpartition("来源:")[2].rstrip("]")
    assert bulletin.issuer.endswith("自治县人民政府")


def test_the_issuer_is_the_office_that_the_page_names_where_the_byline_states_none(read):
    bulletin = read("s002")
    subtitle = next(p.text for p in bulletin.paragraphs if p.text.startswith("——"))
    assert subtitle == f"——{bulletin.issuer}{subtitle[-8:]}"
    assert bulletin.issuer.endswith("分局")


@pytest.mark.parametrize("id", IDS)
def test_the_title_is_the_first_line_of_content_where_the_page_has_one(read, id):
    bulletin = read(id)
    first = next(paragraph for paragraph in bulletin.paragraphs if not paragraph.noise)
    expected = first.text.strip(" •") if id in ("s000", "s001", "s002") else None
    assert bulletin.title == expected


@pytest.mark.parametrize("id", ["s003", "s004"])
def test_traditional_pages_are_seen_in_simplified_script_without_pinyin(read, id):
    text = "\n".join(s.normalized for p in read(id).paragraphs for s in p.content)
    assert OpenCC("t2s.json").convert(text) == text
    assert not re.search(rf"[{_HAN}][(（][a-zāáǎàēéěèīíǐìōóǒòūúǔùüǖǘǚǜ]+[)）]", text)
    assert normalize(text).text == text.replace("\n", "")


@pytest.mark.parametrize(("id", "least"), [("s000", 5), ("s001", 5), ("s002", 4), ("s003", 5), ("s004", 5)])
def test_the_measures_are_found(read, id, least):
    assert len(read(id).measures) >= least


def test_the_six_lead_ins_of_a_page_without_numbers_are_all_found(read):
    bulletin = read("s004")
    lead_ins = [bulletin.sentence(*measure.sentences[0]).normalized for measure in bulletin.measures]
    # Told by what they are: the first sentence of each of the six paragraphs after the first.
    assert lead_ins == [p.sentences[0].normalized for p in bulletin.paragraphs[1:7]]
    assert all(6 <= len(lead_in) <= 9 for lead_in in lead_ins)
