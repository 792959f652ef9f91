"""Annotations as exported -> what people said: four states, several people, sentences, provenance."""

from __future__ import annotations

from typing import Any

import pytest

from tagger.errors import CorpusError
from tagger.labelling.annotations import read_annotations
from tagger.labelling.pulled import read_tasks
from tagger.labelling.rechecks import result_hash
from tagger.tasks import choices, span

_IDS = ("traffic", "patrol", "propaganda")
_TEXT = "民警带队夜间巡逻。随后向居民发放宣传单。"
_SENTENCES = [[0, 9], [9, 20]]
_PEOPLE = {1: "li@example.com", 2: "wang@example.com"}


def _annotation(id: int = 1, domains: Any = ("patrol",), *, by: int = 1, **more: Any) -> dict[str, Any]:
    result = [choices(list(domains))] if domains is not None else []
    return {
        "id": id, "unique_id": f"key-{id}", "completed_by": by, "result": result, "was_cancelled": False,
        "created_at": f"2026-01-0{id}T00:00:00Z", "updated_at": f"2026-01-0{id}T00:00:00Z", "lead_time": 3.5,
        "prediction": {}, "parent_prediction": None, "import_id": None, **more,
    }  # fmt: skip


def _task(*annotations: dict[str, Any], id: int = 7, **data: Any) -> dict[str, Any]:
    known = {"uid": f"b:paragraph:{id}", "bulletin": "b", "index": id, "text": _TEXT, "sentences": _SENTENCES}
    return {"id": id, "data": {**known, **data}, "annotations": list(annotations)}


def _only(task: dict[str, Any]) -> Any:
    (found,) = read_annotations(task, _IDS, _PEOPLE)
    return found


@pytest.mark.parametrize(
    ("annotation", "status", "domains", "explicit"),
    [
        (_annotation(domains=["propaganda", "patrol"]), "labelled", ("patrol", "propaganda"), True),
        (_annotation(domains=[]), "labelled", (), True),
        (_annotation(domains=None), "labelled", (), False),
        (_annotation(was_cancelled=True), "skipped", (), False),
    ],
    ids=["two domains", "none of them", "submitted empty", "skipped"],
)
def test_what_a_person_said(annotation: Any, status: str, domains: Any, explicit: bool) -> None:
    found = _only(_task(annotation))
    assert (found.status, found.domains, found.explicit, found.annotator) == (
        status, domains, explicit, "li@example.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        ([], (None, None)),
        ([(0, 9, ["patrol"]), (9, 20, ["propaganda"])], (("patrol",), ("propaganda",))),
        ([(4, 8, ["patrol"]), (13, 18, ["propaganda"])], (("patrol",), ("propaganda",))),
        ([(0, 10, ["patrol"]), (9, 20, ["propaganda"])], (("patrol",), ("propaganda",))),
        ([(0, 20, ["patrol", "propaganda"])], (("patrol", "propaganda"),) * 2),
        ([(0, 9, ["patrol"])], (None, None)),
    ],
    ids=["no passage", "whole sentences", "words", "one character too far", "both", "one domain without a passage"],
)
def test_passages_tell_the_domains_of_sentences(passages: Any, expected: Any) -> None:
    annotation = _annotation(domains=["patrol", "propaganda"])
    annotation["result"] += [{**span(s, e, _TEXT[s:e], d), "origin": "prediction"} for s, e, d in passages]
    assert _only(_task(annotation)).sentences == expected


def test_a_passage_that_a_person_drew_speaks_for_the_paragraph_and_an_untouched_one_does_not() -> None:
    for origin, domains in (("manual", ("traffic", "patrol")), ("prediction", ("patrol",))):
        annotation = _annotation()
        annotation["result"].append({**span(0, 9, _TEXT[:9], ["traffic"]), "origin": origin})
        assert _only(_task(annotation)).domains == domains


def test_a_paragraph_without_domains_says_so_of_its_sentences() -> None:
    assert _only(_task(_annotation(domains=[]))).sentences == ((), ())


@pytest.mark.parametrize(
    ("shown", "origins", "expected"),
    [
        (None, ["manual"], "manual"),
        (["patrol"], ["prediction"], "prediction"),
        (["patrol"], ["prediction-changed"], "prediction-changed"),
        (["patrol"], ["manual"], "prediction-changed"),
        (["patrol"], [], "prediction-changed"),
    ],
)
def test_whether_the_pre_annotation_was_changed(shown: Any, origins: list[str], expected: str) -> None:
    annotation = _annotation(domains=["patrol"] if origins else None)
    for region, origin in zip(annotation["result"], origins, strict=True):
        region["origin"] = origin
    annotation["prediction"] = {"result": [choices(shown)]} if shown else {}
    assert _only(_task(annotation)).origin == expected


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ([choices(["fishing"])], "found the label 'fishing'"),
        ([choices([]), choices(["patrol"])], "found “none of them” beside patrol"),
        ([{**choices(["patrol"]), "from_name": "sentiment"}], "found a result of 'sentiment'"),
        ([{"from_name": "domains"}], r"not an annotation of ours \(KeyError"),
    ],
)
def test_what_cannot_be_understood_names_the_task(result: Any, told: str) -> None:
    with pytest.raises(CorpusError, match=rf"task 7 \(b:paragraph:7\), annotation 1: {told}"):
        read_tasks([_task(_annotation(result=result))], _IDS, _PEOPLE)


def test_every_broken_task_is_named() -> None:
    tasks = [_task(_annotation(domains=["x"]), id=i) for i in (7, 8, 9)]
    with pytest.raises(CorpusError, match=r"task 7.*task 8.*task 9"):
        read_tasks(tasks, _IDS, _PEOPLE)


def test_people_who_agree_make_one_example_and_people_who_do_not_make_none() -> None:
    agreed = _task(_annotation(1, []), _annotation(2, [], by=2), id=1)
    disputed = _task(_annotation(1, ["patrol"]), _annotation(2, ["traffic"], by=2), id=2)
    pulled = read_tasks([disputed, agreed], _IDS, _PEOPLE)
    assert [(r["paragraph"], r["sentence"], r["annotators"]) for r in pulled.examples] == [
        (1, i, ["li@example.com", "wang@example.com"]) for i in (0, 1)
    ]
    assert [(r["paragraph"], r["why"]) for r in pulled.unlabelled] == [(2, "disputed")]
    assert len(pulled.annotations) == 4


def test_a_persons_later_annotation_takes_the_place_of_the_earlier() -> None:
    pulled = read_tasks([_task(_annotation(1, ["patrol"]), _annotation(2, ["traffic"]))], _IDS, _PEOPLE)
    assert {tuple(r["domains"]) for r in pulled.examples} == {("traffic",)}
    assert len(pulled.annotations) == 2


def test_an_annotation_to_be_looked_at_again_is_no_example_until_it_was() -> None:
    mark = {"1": {"updated_at": "2026-01-01T00:00:00Z", "why": "the text has changed"}}
    stale, fresh = _annotation(), _annotation(updated_at="2026-02-01T00:00:00Z")
    for annotation, n_examples, why in ((stale, 0, ["recheck"]), (fresh, 1, [])):
        pulled = read_tasks([_task(annotation, recheck=mark)], _IDS, _PEOPLE)
        assert (len(pulled.examples), [r["why"] for r in pulled.unlabelled]) == (n_examples, why)
    assert len(read_tasks([_task(stale, recheck=mark)], _IDS, _PEOPLE, recheck=True).examples) == 1


def test_copies_of_a_task_are_one_paragraph() -> None:
    one, two = _task(_annotation(1, [])), _task(_annotation(2, [], by=2))
    two["id"] = 99
    pulled = read_tasks([one, two], _IDS, _PEOPLE)
    assert (pulled.counts["tasks"], pulled.counts["annotations"], len(pulled.examples)) == (1, 2, 2)


def test_tasks_of_other_origin_are_counted_and_passed_over() -> None:
    foreign = {"id": 3, "data": {"image": "x.png"}, "annotations": [{"whatever": 1}]}
    counts = read_tasks([foreign, _task()], _IDS, _PEOPLE).counts
    assert (counts["foreign"], counts["tasks"], counts["unlabelled"]) == (1, 1, 1)


def test_a_restored_annotation_is_what_it_was_until_somebody_changes_it() -> None:
    annotation = _annotation(5, import_id=1)
    first = {
        "key": "first", "annotator": "zhao@example.com", "origin": "prediction", "created": "2025", "updated": "2025",
        "hash": result_hash(annotation["result"]), "recheck": "",
    }  # fmt: skip
    found = _only(_task(annotation, restored={"1": first}))
    assert (found.key, found.annotator, found.origin, found.created) == (
        "first",
        "zhao@example.com",
        "prediction",
        "2025",
    )
    annotation["result"] = [choices(["traffic"])]
    found = _only(_task(annotation, restored={"1": first}))
    assert (found.key, found.annotator, found.origin) == ("first", "li@example.com", "manual")
