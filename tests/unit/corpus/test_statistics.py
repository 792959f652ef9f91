"""Counts of a data set, and what a person should look at."""

from __future__ import annotations

from tagger.corpus.authored import LabelledBulletin, LabelledSentence
from tagger.corpus.examples import examples_from_corpus
from tagger.corpus.statistics import count, oddities, rows_of
from tagger.domains import DomainSet


def _bulletin(id: str, *sentences: tuple[str, tuple[str, ...]], **header: str) -> LabelledBulletin:
    paragraph = tuple(LabelledSentence(text, labels) for text, labels in sentences)
    return LabelledBulletin(id, dict(header), (paragraph,))


_BOTH = ("traffic", "propaganda")
_BULLETINS = [
    _bulletin("01-a", ("查处酒驾。", ("traffic",)), ("发放文明驾驶宣传单。", _BOTH), source="北", year="2019"),
    _bulletin("01-b", ("向司机宣讲。", _BOTH), ("召开会议。", ()), ("组织学习。", ()), source="南", year="2018"),
    _bulletin("02-a", ("张贴海报。", ("propaganda",)), source="北", year="2019"),
]  # fmt: skip


def test_everything_is_counted(domains: DomainSet) -> None:
    found = count(_BULLETINS, domains)
    assert (found.n_bulletins, found.n_texts, found.n_characters) == (3, 6, 5 + 10 + 6 + 5 + 5 + 5)
    assert (found.none, found.several) == (2 / 6, 2 / 6)
    assert found.domains == {"traffic": 3, "patrol": 0, "propaganda": 3}
    assert found.label_sets == {"traffic+propaganda": 2, "": 2, "traffic": 1, "propaganda": 1}
    assert found.together == {"traffic+propaganda": 2}
    assert found.characters == {"median": 5.0, "p90": 8.0, "longest": 10.0}
    assert found.texts == {"median": 2.0, "p90": 2.8, "longest": 3.0}
    assert found.sources == {"北": 2, "南": 1}
    assert found.headers == {"year": {"2019": 2, "2018": 1}}


def test_who_wrote_it_may_be_the_source(domains: DomainSet) -> None:
    assert count(_BULLETINS, domains, "hand").sources == {"01": 2, "02": 1}
    assert count(_BULLETINS, domains, "unit").sources == {}
    assert {row["source"] for row in rows_of(_BULLETINS, "year")} == {"2018", "2019"}


def test_nothing_is_counted_too(domains: DomainSet) -> None:
    found = count([], domains)
    assert (found.n_texts, found.none, found.texts["median"]) == (0, 0.0, 0.0)


def test_rows_say_where_each_text_stands() -> None:
    assert rows_of(_BULLETINS)[3] == {
        "id": "01-b.0.1", "bulletin": "01-b", "paragraph": 0, "sentence": 1, "source": "南", "text": "召开会议。",
        "domains": [],
    }  # fmt: skip


def test_oddities_are_told_with_an_example(domains: DomainSet) -> None:
    text = "巡特警大队每晚七点至凌晨一点在滨河夜市开展武装步巡。"
    bulletins = [_bulletin("a", (text, ("traffic",)), ("短。", ())), _bulletin("b", (text, ()), ("短。", ("traffic",)))]
    found = oddities(examples_from_corpus(bulletins, domains), domains)
    assert found[:2] == ["no text has the domain patrol", "no text has the domain propaganda"]
    assert found[2] == "1 texts stand in the data with different labels, such as a.0.0 and b.0.0"
    assert found[3].startswith("1 pairs of bulletins share text and stay on one side of a split, such as a.0.0 and b.")
    assert len(found) == 4


def test_texts_without_bulletins_are_an_oddity(domains: DomainSet) -> None:
    bulletins = [_bulletin(id, ("x", domains.ids)) for id in "abc"]
    (found,) = oddities(examples_from_corpus(bulletins, domains), domains)
    assert found.startswith("every text is a bulletin of its own")
