"""Answers that ask a person, in every format; output without the option stays as it was."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.domains import Domain, DomainSet
from tagger.models.lexicon import LexiconClassifier
from tagger.models.precedents import Precedent
from tagger.models.selective import Selective
from tagger.models.storage import Model
from tagger.predict.as_label_studio import tasks
from tagger.predict.bulk import Request, tag_sources
from tagger.predict.inputs import find_sources
from tagger.predict.tagging import TaggedBulletin, tag_bulletin

#: The lexicon scores one word 0.5, two words 0.75: 巡逻 is asked about, two words of 宣传 are sure.
_TEXT = "民警巡逻。举办讲座，发放宣传单。局党委召开会议。\n\n民警巡逻。巡控巡逻不停。\n"


@pytest.fixture
def asking(lexicon: Model) -> Model:
    """The lexicon model: sure from 0.7, asking from 0.4; of traffic it never says yes."""
    bounds = np.array([[0.4, math.inf], [0.4, 0.7], [0.4, 0.7]])
    return replace(lexicon, selective=Selective(bounds, 0.95, 0.95, 0.1, (50, 50, 50), 30)).asking()


@pytest.fixture
def tagged(asking: Model) -> TaggedBulletin:
    return tag_bulletin(parse_bulletin(_TEXT, id="a"), asking)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Tags a file of the given content and returns what is written."""
    monkeypatch.chdir(tmp_path)

    def run(model: Model, format: str, content: str = _TEXT, name: str = "a.txt", **options: Any) -> str:
        Path(name).write_text(content, encoding="utf-8")
        tag_sources(find_sources([name]), model, "out", Request(format=format, **options))
        return Path("out").read_bytes().decode()

    return run


def _answers(tagged: TaggedBulletin) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for paragraph in tagged.bulletin.paragraphs:
        for sentence in paragraph.sentences:
            tags = tagged.sentence_tags(paragraph, sentence)
            yield tags.domains, tags.ask


def test_a_sentence_is_answered_yes_asked_or_answered_no(tagged: TaggedBulletin) -> None:
    assert list(_answers(tagged)) == [
        ((), ("patrol",)), (("propaganda",), ()), ((), ()), ((), ("patrol",)), (("patrol",), ())
    ]  # fmt: skip


def test_what_one_sentence_is_sure_of_is_not_asked_of_the_larger_unit(tagged: TaggedBulletin) -> None:
    first, second = [p for p in tagged.bulletin.paragraphs if p.sentences]
    assert (tagged.paragraph_tags(first).domains, tagged.paragraph_tags(first).ask) == (("propaganda",), ("patrol",))
    assert (tagged.paragraph_tags(second).domains, tagged.paragraph_tags(second).ask) == (("patrol",), ())
    assert tagged.bulletin_tags.ask == ()


def test_a_domain_without_an_upper_bound_is_asked_however_high_its_score(asking: Model) -> None:
    tags = tag_bulletin(parse_bulletin("查处酒驾、头盔、违停。"), asking).bulletin_tags
    assert (tags.domains, tags.ask) == ((), ("traffic",))


def test_page_furniture_is_not_asked_about_even_where_everything_is(lexicon: Model) -> None:
    bounds = np.array([[0.0, math.inf]] * 3)
    model = replace(lexicon, selective=Selective(bounds, 0.95, 0.95, 0.1, (0, 0, 0), 5)).asking()
    tagged = tag_bulletin(parse_bulletin("民警巡逻。\n来源：市公安局宣传处\n"), model)
    assert list(_answers(tagged)) == [((), ("traffic", "patrol", "propaganda")), ((), ())]


def test_json_has_what_is_asked_beside_what_is_sure(write: Callable[..., str], asking: Model) -> None:
    data = json.loads(write(asking, "jsonl"))
    assert data["ask"] == {}
    assert data["domains"] == {"patrol": 0.75, "propaganda": 0.75}
    first = data["paragraphs"][0]
    assert (first["domains"], first["ask"]) == (["propaganda"], ["patrol"])
    assert [sentence["ask"] for sentence in first["sentences"]] == [["patrol"], [], []]
    assert all("ask" in unit for unit in [*data["paragraphs"], *data["measures"]])


def test_evidence_is_shown_for_what_is_asked(write: Callable[..., str], asking: Model) -> None:
    data = json.loads(write(asking, "jsonl", explain=True))
    assert list(data["paragraphs"][0]["sentences"][0]["evidence"]) == ["patrol"]
    assert "巡逻" in write(asking, "table", explain=True)
    assert "巡逻防控: 巡逻" in write(asking, "html", explain=True)


def test_records_have_it_too_and_keep_a_field_of_that_name(write: Callable[..., str], asking: Model) -> None:
    lines = '{"text": "民警巡逻。", "ask": "mine"}\n{"ask": 1}\n'
    good, bad = map(json.loads, write(asking, "jsonl", lines, "a.jsonl").splitlines())
    assert (good["domains"], good["ask"], good["input_ask"]) == ([], ["patrol"], "mine")
    assert (bad["input_ask"], "ask" in bad) == (1, False)


def test_records_of_a_model_that_does_not_ask_keep_their_field(write: Callable[..., str], lexicon: Model) -> None:
    lines = '{"text": "民警巡逻。", "ask": 7}\n'
    assert json.loads(write(lexicon, "jsonl", lines, "a.jsonl"))["ask"] == 7
    assert next(csv.DictReader(io.StringIO(write(lexicon, "csv", lines, "a.jsonl")[1:])))["ask"] == "7"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", _TEXT), ("a.csv", "text,ask\n民警巡逻。,x\n"), ("a.jsonl", '{"text": "民警巡逻。"}\n{"x": 1}\n')],
    ids=["txt", "csv", "jsonl"],
)
def test_a_spreadsheet_has_a_column_of_what_is_asked(
    write: Callable[..., str], asking: Model, name: str, content: str
) -> None:
    rows = list(csv.DictReader(io.StringIO(write(asking, "csv", content, name, level="sentence")[1:])))
    assert rows[0]["ask"] == "patrol"
    assert rows[0]["domains"] == ""
    assert None not in rows[-1], "a row has as many cells as the header"
    names = list(rows[0])
    assert names[names.index("domains") + 1] == "ask"
    assert len(names) == len(set(names))


def test_a_table_marks_what_is_asked_and_counts_it(write: Callable[..., str], asking: Model) -> None:
    text = write(asking, "table", level="sentence")
    assert text.count("巡逻防控? 0.50") == 2
    assert "巡逻防控 0.75" in text
    assert "to be looked at (?) 2" in text
    assert "巡逻防控? 0.50" in write(asking, "table", '{"text": "民警巡逻。"}\n', "a.jsonl")


@pytest.fixture
def many(lexicon: Model) -> Model:
    """Twelve domains of which the lexicon knows three: it answers two, one of those by asking, and no other."""
    rare = [Domain(f"rare_{number}", f"少见{number}") for number in range(9)]
    domains = DomainSet([*lexicon.domains, *rare])
    words = [["酒驾", "头盔", "违停"], ["巡逻", "巡控"], ["宣传", "讲座", "宣传单"], *[["少见"]] * 9]
    bounds = np.array([[0.0, math.inf], [0.4, 0.7], [0.4, 0.7], *[[0.0, math.inf]] * 9])
    return replace(
        lexicon, classifier=LexiconClassifier(words, [[]] * 12), domains=domains, thresholds=np.full(12, 0.5),
        selective=Selective(bounds, 0.95, 0.95, 0.1, (50,) * 12, 30),
    ).asking()  # fmt: skip


def test_what_is_asked_about_everywhere_is_said_once_above_the_table(write: Callable[..., str], many: Model) -> None:
    text = write(many, "table", level="sentence", explain=True)
    always = "、".join(["交通管理", *(f"少见{number}" for number in range(9))])
    assert f"asked about in every row, and not marked below: {always}" in text.replace("\n", "")
    assert text.count("少见0") == 1
    assert text.count("交通管理") == 1
    assert text.count("巡逻防控? 0.50") == 2
    assert "宣传 1 · to be looked at (?) 2" in text
    records = write(many, "table", '{"text": "民警巡逻。"}\n{"text": "查处酒驾。"}\n', "a.jsonl")
    assert records.count("少见0") == records.count("交通管理") == 1
    assert "巡逻防控? 0.50" in records


def test_totals_of_many_domains_leave_out_those_of_no_row(write: Callable[..., str], many: Model) -> None:
    told = replace(many, is_asking=False)
    assert "巡逻防控 1 · 宣传 1  (" in write(told, "table", "民警巡逻。举办讲座。\n", level="paragraph")
    assert "\nno tags  (" in write(told, "table", "局党委召开会议。\n", level="paragraph")
    assert "asked about" not in write(told, "table")


def test_a_page_shows_questions_as_questions(write: Callable[..., str], asking: Model) -> None:
    page = write(asking, "html")
    assert page.count('<span class="d q c-patrol">巡逻防控</span>') == 2
    assert '<span class="s q"' in page
    assert "待审 to be looked at" in page


def test_an_import_task_names_what_is_asked_and_ticks_nothing_where_nothing_is_sure(asking: Model) -> None:
    tagged = tag_bulletin(parse_bulletin("民警巡逻。\n\n局党委召开会议。\n\n发放宣传单，举办讲座。"), asking)
    asked, nothing, sure = tasks(tagged, "paragraph")
    assert [task["data"]["ask"] for task in (asked, nothing, sure)] == [["patrol"], [], []]
    assert asked["predictions"][0]["result"] == []
    assert sure["predictions"][0]["result"][0]["value"]["choices"] == ["propaganda"]


@pytest.mark.parametrize("format", ["jsonl", "csv", "html", "table", "label-studio"])
def test_bounds_change_nothing_until_they_are_asked_for(
    write: Callable[..., str], lexicon: Model, asking: Model, format: str
) -> None:
    assert write(replace(asking, is_asking=False), format) == write(lexicon, format)
    assert write(asking, format) != write(lexicon, format)


class _Embedding:
    """The lexicon with vectors for texts: as many as there are, counted."""

    def __init__(self, classifier: Any) -> None:
        self._classifier = classifier
        self.n_calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._classifier, name)

    def embed(self, texts: list[str]) -> np.ndarray:
        self.n_calls += 1
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)


class _Index:
    """Two precedents, one of them hostile."""

    def nearest(self, embedding: np.ndarray, k: int = 3) -> list[Precedent]:
        assert embedding.shape == (2,)
        return [
            Precedent("08-01.2.0", "夜间巡逻<script>alert(1)</script>\x1b[31m", ("patrol",), 0.91234),
            Precedent("08-02.2.0", "局党委开会", (), 0.5),
        ][:k]


@pytest.fixture
def remembering(lexicon: Model) -> Model:
    return replace(lexicon, classifier=_Embedding(lexicon.classifier), precedents=_Index())  # type: ignore[arg-type]


def test_an_explained_sentence_has_its_precedents(write: Callable[..., str], remembering: Model) -> None:
    data = json.loads(write(remembering, "jsonl", explain=True))
    for paragraph in data["paragraphs"]:
        for sentence in paragraph["sentences"]:
            assert [p["id"] for p in sentence["precedents"]] == ["08-01.2.0", "08-02.2.0"]
            assert sentence["precedents"][1] == {
                "id": "08-02.2.0", "text": "局党委开会", "domains": [], "similarity": 0.5
            }  # fmt: skip
    assert remembering.classifier.n_calls == 1  # type: ignore[attr-defined]


def test_page_furniture_has_no_precedents(write: Callable[..., str], remembering: Model) -> None:
    data = json.loads(write(remembering, "jsonl", "民警巡逻。\n打印本页\n", explain=True))
    assert [s["precedents"] == [] for p in data["paragraphs"] for s in p["sentences"]] == [False, True]


def test_a_table_and_a_page_show_precedents_and_obey_nothing_in_them(
    write: Callable[..., str], remembering: Model
) -> None:
    table = write(remembering, "table", explain=True)
    assert "≈ 0.91 [巡逻防控] 夜间巡逻<script>alert(1)</script>" in table.replace("\n", "")
    assert "\x1b[31m" not in table
    page = write(remembering, "html", explain=True)
    assert "≈ 0.91 [巡逻防控] 夜间巡逻&lt;script&gt;" in page
    assert "≈ 0.50 [—] 局党委开会" in page
    assert "<script>" not in page


@pytest.mark.parametrize("format", ["jsonl", "csv", "html", "table", "label-studio"])
def test_without_explain_precedents_are_neither_shown_nor_paid_for(
    write: Callable[..., str], lexicon: Model, remembering: Model, format: str
) -> None:
    assert write(remembering, format) == write(lexicon, format)
    assert remembering.classifier.n_calls == 0  # type: ignore[attr-defined]


def test_a_classifier_that_cannot_embed_shows_no_precedents(write: Callable[..., str], lexicon: Model) -> None:
    index = replace(lexicon, precedents=_Index())  # type: ignore[arg-type]
    assert write(index, "jsonl", explain=True) == write(lexicon, "jsonl", explain=True)
