"""The authored corpus holds what its data card promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tagger.bulletins.normalize import normalize
from tagger.corpus.authored import GENRES, MARKS, PROVINCES, LabelledBulletin, load_corpus
from tagger.corpus.duplicates import near_duplicates
from tagger.domains import DomainSet, load_domains

_LABELS = Path(__file__).parents[3] / "labels"
_UNITS = ("派出所", "交警", "巡特警", "户政", "出入境", "治安", "刑侦", "经侦", "铁路", "森林", "边检", "高速")


@pytest.fixture(scope="module")
def own_domains() -> DomainSet:
    return load_domains(_LABELS / "domains.yaml")


@pytest.fixture(scope="module")
def corpus(own_domains: DomainSet) -> list[LabelledBulletin]:
    return load_corpus(_LABELS / "corpus", own_domains)


def test_it_is_large_enough(corpus: list[LabelledBulletin]) -> None:
    assert len(corpus) >= 420
    assert sum(len(b.sentences) for b in corpus) >= 7000


def test_every_genre_is_there_and_work_reports_are_long(corpus: list[LabelledBulletin]) -> None:
    genres = Counter(b.header["genre"] for b in corpus)
    assert set(genres) == set(GENRES)
    reports = [b for b in corpus if b.header["genre"] == "work_report"]
    long = [b for b in reports if 900 <= sum(len(s.text) for s in b.sentences) <= 2000]
    assert len(long) >= 60


def test_ninety_bulletins_have_no_domain_at_all(corpus: list[LabelledBulletin]) -> None:
    assert sum(not any(s.domains for s in b.sentences) for b in corpus) >= 90
    other = [b for b in corpus if b.header["genre"] == "other_work"]
    assert not [b.id for b in other if any(s.domains for s in b.sentences)]


def test_every_year_and_province_and_kind_of_unit_is_there(corpus: list[LabelledBulletin]) -> None:
    years = Counter(int(b.header["year"]) for b in corpus)
    assert set(range(2008, 2027)) <= set(years)
    provinces = Counter(b.header["province"] for b in corpus)
    assert min(provinces[name] for name in PROVINCES) >= 5
    units = " ".join(b.header["unit"] for b in corpus)
    assert [unit for unit in _UNITS if unit not in units] == []


def test_domains_are_frequent_enough(corpus: list[LabelledBulletin], own_domains: DomainSet) -> None:
    counts = Counter(d for b in corpus for s in b.sentences for d in s.domains)
    least = {id: 450 if id == "dog_management" else 700 for id in own_domains.ids}
    assert {id: counts[id] for id in least if counts[id] < least[id]} == {}


def test_no_domain_and_several_domains_are_frequent_enough(corpus: list[LabelledBulletin]) -> None:
    sentences = [s for b in corpus for s in b.sentences]
    assert sum(not s.domains for s in sentences) >= 0.45 * len(sentences)
    assert sum(len(s.domains) > 1 for s in sentences) >= 0.12 * len(sentences)


def test_every_hard_case_is_marked_often_enough(corpus: list[LabelledBulletin]) -> None:
    marks = Counter(mark for b in corpus for s in b.sentences for mark in s.marks)
    assert {mark: marks[mark] for mark in MARKS if marks[mark] < 80} == {}


def test_no_sentence_returns_in_another_bulletin(corpus: list[LabelledBulletin]) -> None:
    texts = [(b.id, normalize(s.text).text) for b in corpus for s in b.sentences]
    long = [(id, text) for id, text in texts if len(text) >= 15]
    pairs = near_duplicates([text for _, text in long])
    assert [(long[a], long[b]) for a, b, _ in pairs if long[a][0] != long[b][0]] == []
