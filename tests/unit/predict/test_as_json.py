"""The JSON contracts: a bulletin with its units and spans, a record with its own fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.models.storage import Model
from tagger.predict.as_json import bulletin_to_dict, record_to_dict, to_line
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin, tag_bulletin

_UNIT = ["index", "start", "end", "text", "noise", "domains", "scores"]


def test_a_bulletin_states_itself_its_model_and_its_tags(page: TaggedBulletin) -> None:
    data = bulletin_to_dict(page)
    assert list(data) == [
        "id", "source", "title", "date", "issuer", "model", "domains", "paragraphs", "measures", "original"
    ]  # fmt: skip
    assert {k: data[k] for k in ("id", "source", "title", "date", "issuer")} == {
        "id": "0312", "source": "pages/0312.txt", "title": "某县公安局多措并举守护平安", "date": "2021-05-06",
        "issuer": "某县公安局",
    }  # fmt: skip
    assert data["model"] == {"name": "words", "version": page.model.version}
    assert data["domains"] == {"traffic": 0.5, "patrol": 0.5, "propaganda": 0.5}


def test_what_a_page_does_not_state_is_null(lexicon: Model) -> None:
    data = bulletin_to_dict(tag_bulletin(parse_bulletin("民警巡逻。"), lexicon))
    assert (data["title"], data["date"], data["issuer"]) == (None, None, None)
    assert data["domains"] == {"patrol": 0.5}


def test_every_unit_has_the_same_keys(page: TaggedBulletin) -> None:
    for paragraph in bulletin_to_dict(page)["paragraphs"]:
        assert list(paragraph) == [*_UNIT, "sentences"]
        for sentence in paragraph["sentences"]:
            assert list(sentence) == _UNIT
            assert list(sentence["scores"]) == ["traffic", "patrol", "propaganda"]


def test_every_span_gives_the_text_it_names(page: TaggedBulletin) -> None:
    original = page.bulletin.original
    for paragraph in bulletin_to_dict(page)["paragraphs"]:
        for unit in (paragraph, *paragraph["sentences"]):
            assert original[unit["start"] : unit["end"]] == unit["text"]


def test_paragraphs_and_sentences_are_numbered_and_tagged(page: TaggedBulletin) -> None:
    paragraphs = bulletin_to_dict(page)["paragraphs"]
    assert [p["index"] for p in paragraphs] == [0, 1, 2, 3, 4]
    assert [p["noise"] for p in paragraphs] == [False, True, False, False, True]
    assert [(s["index"], s["domains"]) for s in paragraphs[2]["sentences"]] == [
        (0, ["patrol"]), (1, ["patrol"]), (2, ["propaganda"])
    ]  # fmt: skip
    assert paragraphs[2]["domains"] == ["patrol", "propaganda"]
    assert paragraphs[2]["scores"] == {"traffic": 0.0, "patrol": 0.5, "propaganda": 0.5}


def test_measures_name_their_sentences(page: TaggedBulletin) -> None:
    assert bulletin_to_dict(page)["measures"][1] == {
        "index": 1, "start": 76, "end": 115, "sentences": [[3, 0], [3, 1], [3, 2]], "domains": ["traffic"],
        "scores": {"traffic": 0.5, "patrol": 0.0, "propaganda": 0.0},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "is_given"),
    [("a.txt", False), ("A.TXT", False), ("a.md", False), ("", False), ("a.docx", True), ("-", True)],
)
def test_the_original_is_given_where_it_is_not_the_file_itself(lexicon: Model, source: str, is_given: bool) -> None:
    data = bulletin_to_dict(tag_bulletin(parse_bulletin("民警巡逻。", source=source), lexicon))
    assert data["original"] == ("民警巡逻。" if is_given else None)


def test_evidence_is_given_where_asked_with_spans_in_the_original(page: TaggedBulletin) -> None:
    sentences = bulletin_to_dict(page, explain=True)["paragraphs"][3]["sentences"]
    assert [s["evidence"] for s in sentences] == [
        {}, {"traffic": [{"ngram": "头盔", "weight": 1.0, "field": "text", "spans": [[91, 93]]}]}, {}
    ]  # fmt: skip
    assert page.bulletin.original[91:93] == "头盔"


def test_spans_of_evidence_pass_over_what_normalising_took_out(lexicon: Model) -> None:
    text = "　　佩戴“頭\u200b(tóu)盔”。"
    data = bulletin_to_dict(tag_bulletin(parse_bulletin(text), lexicon), explain=True)
    ((start, end),) = data["paragraphs"][0]["sentences"][0]["evidence"]["traffic"][0]["spans"]
    assert text[start:end] == "頭\u200b(tóu)盔"


def test_evidence_from_the_context_has_no_span(tfidf: Model) -> None:
    tagged = tag_bulletin(parse_bulletin("强化宣传讲座。成效明显。"), tfidf.with_threshold(1e-6))
    evidence = bulletin_to_dict(tagged, explain=True)["paragraphs"][0]["sentences"][1]["evidence"]["propaganda"]
    assert {e["field"] for e in evidence} >= {"lead_in"}
    assert all(e["spans"] == [] for e in evidence if e["field"] == "lead_in")
    assert all(e["spans"] for e in evidence if e["field"] == "text")


def test_scores_have_four_decimals(tfidf: Model) -> None:
    data = bulletin_to_dict(tag_bulletin(parse_bulletin("民警在夜市巡逻。"), tfidf))
    scores = data["paragraphs"][0]["scores"].values()
    assert all(score == round(score, 4) and 0 <= score <= 1 for score in scores)


def test_a_record_keeps_its_fields_and_gets_its_tags(tag_fields: Callable[..., TaggedRecord]) -> None:
    data = record_to_dict(tag_fields({"id": 7, "text": "民警巡逻。", "more": {"a": [1, None]}}))
    assert data == {
        "id": 7, "text": "民警巡逻。", "more": {"a": [1, None]}, "domains": ["patrol"],
        "scores": {"traffic": 0.0, "patrol": 0.5, "propaganda": 0.0},
    }  # fmt: skip


def test_a_bad_record_keeps_its_fields_and_gets_its_error_and_line(tag_fields: Callable[..., TaggedRecord]) -> None:
    data = record_to_dict(tag_fields({"id": 7, "body": "x"}, error="no field 'text'"))
    assert data == {"id": 7, "body": "x", "line": 4, "error": "no field 'text'"}


_OWN: dict[str, Any] = {"text": "民警巡逻。", "domains": ["x"], "scores": 5, "error": "mine", "line": 9}


def test_fields_that_are_called_like_ours_are_kept_under_another_name(
    tag_fields: Callable[..., TaggedRecord],
) -> None:
    kept = {"input_domains": ["x"], "input_scores": 5, "input_error": "mine"}
    good, bad = record_to_dict(tag_fields(_OWN)), record_to_dict(tag_fields(_OWN, error="bad"))
    assert good == {
        "text": "民警巡逻。", **kept, "line": 9, "domains": ["patrol"],
        "scores": {"traffic": 0.0, "patrol": 0.5, "propaganda": 0.0},
    }  # fmt: skip
    assert bad == {"text": "民警巡逻。", **kept, "input_line": 9, "line": 4, "error": "bad"}


def test_a_good_record_never_has_an_error_and_a_bad_one_never_tags(tag_fields: Callable[..., TaggedRecord]) -> None:
    assert "error" not in record_to_dict(tag_fields(_OWN))
    assert not {"domains", "scores"} & record_to_dict(tag_fields(_OWN, error="bad")).keys()


def test_a_line_is_one_line_of_readable_text() -> None:
    assert to_line({"text": "民警\n巡逻\u2028"}) == '{"text": "民警\\n巡逻\u2028"}\n'


def test_a_broken_character_is_escaped_as_it_came() -> None:
    line = to_line({"text": "民\ud800"})
    assert line == '{"text": "\\u6c11\\ud800"}\n'
    assert json.loads(line) == {"text": "民\ud800"}


def test_a_result_that_is_tagged_again_loses_no_field(tag_fields: Callable[..., TaggedRecord]) -> None:
    data = record_to_dict(tag_fields({"text": "民警巡逻。", "domains": ["x"], "input_domains": ["y"]}))
    assert (data["input_input_domains"], data["input_domains"], data["domains"]) == (["x"], ["y"], ["patrol"])


def test_a_record_is_explained_by_its_best_sentence_with_offsets_into_its_text(
    tag_fields: Callable[..., TaggedRecord],
) -> None:
    text = "开会。民警巡逻。"
    data = record_to_dict(tag_fields({"text": text, "evidence": 1}), explain=True)
    assert data["input_evidence"] == 1
    (found,) = data["evidence"]["patrol"]
    assert (found["ngram"], found["field"]) == ("巡逻", "text")
    assert [text[start:end] for start, end in found["spans"]] == ["巡逻"]
