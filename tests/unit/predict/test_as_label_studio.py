"""Label Studio tasks: text and place, a stable uid, the tags as a choices prediction."""

from __future__ import annotations

import hashlib
import json

import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.models.storage import Model
from tagger.predict.as_label_studio import tasks
from tagger.predict.tagging import TaggedBulletin, tag_bulletin

_LEVELS = ("measure", "paragraph", "sentence")


def test_a_task_holds_its_text_and_where_it_stands(page: TaggedBulletin) -> None:
    task = list(tasks(page, "paragraph"))[1]
    text = "强化巡控保稳定。巡特警每晚在夜市开展武装巡逻。向商户发放宣传单二百份。"
    assert task["data"] == {
        "uid": "0312:paragraph:2", "content_hash": hashlib.sha256(text.encode()).hexdigest(), "text": text,
        "bulletin": "0312", "source": "pages/0312.txt", "title": "某县公安局多措并举守护平安",
        "unit": "paragraph", "index": 2, "start": 40, "end": 75, "sentences": [[0, 8], [8, 23], [23, 35]], "note": "",
        "before": "某县公安局多措并举守护平安",
        "after": "严查严管保畅通。对骑电动车不戴头盔的行为逐一教育。局党委召开会议学习文件精神。",
    }  # fmt: skip


def test_tags_are_a_prediction_of_choices(page: TaggedBulletin) -> None:
    task = list(tasks(page, "paragraph"))[1]
    assert task["predictions"] == [
        {
            "model_version": f"words-{page.model.version}",
            "score": 0.0,
            "result": [
                {"from_name": "domains", "to_name": "text", "type": "choices",
                 "value": {"choices": ["patrol", "propaganda"]}}
            ],
        }
    ]  # fmt: skip


def test_a_text_without_tags_is_said_to_have_none(page: TaggedBulletin) -> None:
    prediction = next(tasks(page, "paragraph"))["predictions"][0]
    none = {"from_name": "none", "to_name": "text", "type": "choices", "value": {"choices": ["none"]}}
    assert prediction == {"model_version": f"words-{page.model.version}", "score": 1.0, "result": [none]}


def test_tagged_sentences_are_marked_on_demand(page: TaggedBulletin) -> None:
    task = list(tasks(page, "paragraph", spans=True))[1]
    marked = task["predictions"][0]["result"][1:]
    assert [(r["from_name"], r["type"], r["value"]["labels"]) for r in marked] == [
        ("spans", "labels", ["patrol"]), ("spans", "labels", ["patrol"]), ("spans", "labels", ["propaganda"]),
    ]  # fmt: skip
    for region in marked:
        value = region["value"]
        assert task["data"]["text"][value["start"] : value["end"]] == value["text"]


@pytest.mark.parametrize("level", _LEVELS)
def test_offsets_give_the_text_and_page_furniture_gives_no_task(page: TaggedBulletin, level: str) -> None:
    found = list(tasks(page, level))
    assert len(found) == {"measure": 3, "paragraph": 3, "sentence": 7}[level]
    for task in found:
        data = task["data"]
        assert page.bulletin.original[data["start"] : data["end"]] == data["text"]
        assert data["text"] != "打印本页"


@pytest.mark.parametrize("level", _LEVELS)
def test_every_task_of_a_page_has_a_uid_of_its_own(page: TaggedBulletin, level: str) -> None:
    uids = [task["data"]["uid"] for task in tasks(page, level)]
    assert len(set(uids)) == len(uids)


def test_a_uid_does_not_change_with_the_model_or_the_run(page: TaggedBulletin, tfidf: Model) -> None:
    again = tag_bulletin(parse_bulletin(page.bulletin.original, id="0312", source=page.bulletin.source), tfidf)
    for level in _LEVELS:
        uids = [task["data"]["uid"] for task in tasks(page, level)]
        assert uids == [task["data"]["uid"] for task in tasks(again, level)]


def test_the_hash_changes_with_the_text_alone(lexicon: Model) -> None:
    one, other, same = (
        next(tasks(tag_bulletin(parse_bulletin(text, id=id), lexicon), "paragraph"))["data"]["content_hash"]
        for text, id in (("民警巡逻。", "a"), ("民警巡逻！", "a"), ("民警巡逻。", "b"))
    )
    assert one == same != other


def test_a_task_is_plain_json(hostile: TaggedBulletin) -> None:
    found = list(tasks(hostile, "sentence"))
    assert json.loads(json.dumps(found)) == found
    assert found[0]["data"]["title"] == "<script>alert(1)</script>公安局"


def test_a_page_without_a_title_has_an_empty_one(lexicon: Model) -> None:
    task = next(tasks(tag_bulletin(parse_bulletin("民警巡逻。"), lexicon), "paragraph"))
    assert task["data"]["title"] == ""


def test_the_path_as_typed_is_not_in_the_uid(lexicon: Model) -> None:
    uids = {
        next(tasks(tag_bulletin(parse_bulletin("民警巡逻。", id="1", source=source), lexicon), "paragraph"))["data"][
            "uid"
        ]
        for source in ("a/1.txt", "./a/1.txt", "1.txt")
    }
    assert uids == {"1:paragraph:0"}


def test_a_record_is_known_by_its_file_and_line(lexicon: Model) -> None:
    tagged = tag_bulletin(parse_bulletin("民警巡逻。", id="7", source="a/posts.jsonl"), lexicon)
    assert next(tasks(tagged, "paragraph", record={}))["data"]["uid"] == "posts:7:paragraph:0"


def test_a_records_own_fields_are_kept(page: TaggedBulletin) -> None:
    task = next(tasks(page, "paragraph", record={"no": 5, "text": "x"}))
    assert task["data"]["record"] == {"no": 5, "text": "x"}
