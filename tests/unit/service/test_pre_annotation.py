"""Predictions in the form of the interface, with the context that the task gives."""

from __future__ import annotations

from typing import Any

import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.domains import DomainSet
from tagger.models.storage import Model
from tagger.predict.as_label_studio import tasks as import_tasks
from tagger.predict.tagging import tag_bulletin
from tagger.service.label_config import Interface, read_interface
from tagger.service.pre_annotation import model_version, pre_annotate

TEXT = "民警在夜市巡逻。向商户发放宣传单。局党委召开会议。"


@pytest.fixture
def interface(config: str, domains: DomainSet) -> Interface:
    return read_interface(config, domains)


def _task(text: Any, **data: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"text": text, **data}}


def _results(prediction: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [result["value"] for result in prediction["result"] if result["from_name"] == name]


def test_the_paragraph_gets_choices_and_its_sentences_get_spans(interface: Interface, lexicon: Model) -> None:
    (prediction,) = pre_annotate([_task(TEXT)], interface, lexicon)
    assert _results(prediction, "domains") == [{"choices": ["patrol", "propaganda"]}]
    assert _results(prediction, "spans") == [
        {"start": 0, "end": 8, "text": "民警在夜市巡逻。", "labels": ["patrol"]},
        {"start": 8, "end": 17, "text": "向商户发放宣传单。", "labels": ["propaganda"]},
    ]
    assert _results(prediction, "none") == []
    assert {result["to_name"] for result in prediction["result"]} == {"text"}
    assert [result["type"] for result in prediction["result"]] == ["choices", "labels", "labels"]


def test_spans_count_code_points_of_the_tasks_own_text(interface: Interface, lexicon: Model) -> None:
    text = "  😀民警在\u200b夜市巡逻。\n向商户发放宣传单。"
    (prediction,) = pre_annotate(
        [_task(text, title="标题", before="上一段。巡逻。", after="下一段。")], interface, lexicon
    )
    spans = _results(prediction, "spans")
    assert len(spans) == 2
    assert all(text[span["start"] : span["end"]] == span["text"] for span in spans)


def test_neighbours_give_context_and_are_not_tagged(interface: Interface, lexicon: Model) -> None:
    (prediction,) = pre_annotate(
        [_task("局党委召开会议。", before="民警巡逻。", after="发放宣传单。")], interface, lexicon
    )
    assert _results(prediction, "domains") == []
    assert _results(prediction, "none") == [{"choices": ["none"]}]


def test_the_same_as_the_import_tasks_of_the_same_page(interface: Interface, tfidf: Model) -> None:
    page = tag_bulletin(
        parse_bulletin("强化巡控保稳定。\n巡特警每晚在夜市开展武装巡逻。查处酒驾。\n向商户发放宣传单二百份。"), tfidf
    )
    pushed = list(import_tasks(page, "paragraph", spans=True))
    predicted = pre_annotate([{"id": i, "data": task["data"]} for i, task in enumerate(pushed)], interface, tfidf)
    for task, prediction in zip(pushed, predicted, strict=True):
        (expected,) = task["predictions"]
        assert [{k: v for k, v in r.items() if k != "id"} for r in prediction["result"]] == expected["result"]
        assert (prediction["score"], prediction["model_version"]) == (expected["score"], expected["model_version"])


def test_the_lowest_score_is_the_most_doubtful(interface: Interface, lexicon: Model) -> None:
    texts = ["民警巡逻。", "民警巡逻、巡控,查处酒驾、违停、头盔,宣传讲座。"]
    one_word, many_words = (p["score"] for p in pre_annotate([_task(text) for text in texts], interface, lexicon))
    assert one_word < many_words  # one word scores 0.5, the threshold itself


@pytest.mark.parametrize("text", [None, "", " \n", 7, ["a"], {"a": 1}])
def test_a_task_without_a_text_gets_an_empty_result_in_its_place(
    interface: Interface, lexicon: Model, text: Any, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = pre_annotate([_task(text), _task("民警巡逻。")], interface, lexicon)
    assert first == {"model_version": model_version(lexicon), "score": 0.0, "result": []}
    assert _results(second, "domains") == [{"choices": ["patrol"]}]
    assert "task 1: no text in its field 'text'" in caplog.text


@pytest.mark.parametrize("task", [{}, {"id": 1, "data": None}, {"id": 1, "data": []}])
def test_a_task_without_data_gets_an_empty_result(interface: Interface, lexicon: Model, task: dict[str, Any]) -> None:
    assert pre_annotate([task], interface, lexicon)[0]["result"] == []


def test_a_control_for_one_takes_the_highest(lexicon: Model, domains: DomainSet, config: str) -> None:
    config = config.replace('choice="multiple"', 'choice="single"')
    (prediction,) = pre_annotate([_task("民警巡逻，宣传讲座。")], read_interface(config, domains), lexicon)
    assert _results(prediction, "domains") == [{"choices": ["propaganda"]}]  # two words against one
    assert [span["labels"] for span in _results(prediction, "spans")] == [["patrol"], ["propaganda"]]
    assert len({result["id"] for result in prediction["result"]}) == 3


def test_none_is_not_ticked_where_only_a_choice_is_missing(lexicon: Model, domains: DomainSet, config: str) -> None:
    config = config.replace("patrol", "walks").replace("巡逻防控", "散步")
    (prediction,) = pre_annotate([_task("民警巡逻。")], read_interface(config, domains), lexicon)
    assert prediction["result"] == []


def test_furniture_is_not_tagged(interface: Interface, lexicon: Model) -> None:
    (prediction,) = pre_annotate([_task("打印本页")], interface, lexicon)
    assert _results(prediction, "spans") == []


def test_the_same_task_gives_the_same_prediction_alone_and_among_others(interface: Interface, tfidf: Model) -> None:
    tasks = [_task(text) for text in (TEXT, "查处酒驾。", TEXT)]
    together = pre_annotate(tasks, interface, tfidf)
    assert together == [pre_annotate([task], interface, tfidf)[0] for task in tasks]
