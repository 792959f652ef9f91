"""What a change of domains does to annotations, thought through without a server."""

from __future__ import annotations

from typing import Any

import pytest

from tagger.domains import Domain, DomainSet
from tagger.errors import LabellingError, UsageError
from tagger.labelling.interface import interface_xml
from tagger.labelling.migration import declared_changes, plan_migration
from tagger.labelling.project import Project
from tagger.tasks import choices, span


class _Export:
    """Answers the one question that planning asks."""

    def __init__(self, tasks: list[dict[str, Any]]) -> None:
        self._tasks = tasks

    def get(self, path: str, **params: Any) -> Any:
        assert path == "api/projects/1/export"
        assert params["download_all_tasks"] == "true"
        return self._tasks


def _domains(*ids: str) -> DomainSet:
    return DomainSet([Domain(id) for id in ids])


def _project(*ids: str) -> Project:
    return Project(1, "p", {"label_config": interface_xml(_domains(*ids))})


def _task(id: int, result: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    annotation = {"id": 10 * id, "result": result, "was_cancelled": False, "updated_at": "t", "import_id": None}
    data = {"uid": f"b:paragraph:{id}", "bulletin": "b", "text": "民警巡逻。", **more}
    return {"id": id, "data": data, "annotations": [annotation]}


def _plan(tasks: list[dict[str, Any]], old: str, new: str, changes: Any) -> Any:
    return plan_migration(_Export(tasks), _project(*old.split()), _domains(*new.split()), changes)  # type: ignore[arg-type]


def test_choices_and_passages_are_renamed_and_the_rest_stays() -> None:
    result = [{"id": "x", "origin": "prediction", **choices(["a", "b"])}, span(0, 2, "民警", ["a"])]
    (edit,) = _plan(
        [_task(1, result), _task(2, [choices(["b"])]), _task(3, [choices([])])], "a b", "c b", {"a": ("c",)}
    ).edits
    assert edit.result == [{"id": "x", "origin": "prediction", **choices(["c", "b"])}, span(0, 2, "民警", ["c"])]
    assert edit.why == ""


def test_merged_domains_are_named_once() -> None:
    (edit,) = _plan([_task(1, [choices(["a", "b"])])], "a b", "c", {"a": ("c",), "b": ("c",)}).edits
    assert edit.result == [choices(["c"])]


def test_a_domain_that_is_split_but_stays_is_looked_at_again() -> None:
    (edit,) = _plan([_task(1, [choices(["a"])])], "a", "a c", {"a": ("a", "c")}).edits
    assert (edit.result, edit.why) == ([choices(["a", "c"])], "a was split into a、c")


def test_an_earlier_mark_holds_for_the_rewritten_annotation() -> None:
    mark = {"10": {"updated_at": "t", "why": "the text has changed"}}
    (edit,) = _plan([_task(1, [choices(["a"])], recheck=mark)], "a", "c", {"a": ("c",)}).edits
    assert edit.why == "the text has changed"


def test_going_on_after_a_broken_connection_finds_what_is_left() -> None:
    """The interface offers old and new by then, and one annotation has been rewritten."""
    migration = _plan([_task(1, [choices(["c"])]), _task(2, [choices(["a"])])], "c b a", "c b", {"a": ("c",)})
    assert [edit.task["id"] for edit in migration.edits] == [2]
    assert migration.added == ()


def test_the_summary_counts() -> None:
    migration = _plan([_task(1, [choices(["a"])]), _task(2, [choices([])])], "a b", "c b d", {"a": ("c",)})
    assert list(migration.summary()) == [
        "a becomes c: 1 annotations have it",
        "d is new: nobody has been asked about it yet",
        "1 annotations are rewritten; 2 paragraphs must be looked at again",
    ]


def test_nothing_has_changed() -> None:
    assert _plan([], "a b", "b a", {}) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"x": ("b",)}, "the project has no domain 'x'"),
        ({"a": ("y",)}, "a is to become 'y', which is not in the domain list"),
        ({"b": ("c",)}, "b is to go, and is in the domain list"),
    ],
)
def test_a_change_that_leads_nowhere_is_wrong_use(changes: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        _plan([], "a b", "b c", changes)


def test_a_domain_without_a_word_about_it_is_an_error() -> None:
    with pytest.raises(LabellingError, match=r"a is no longer in the domain list\. Say what has become of it"):
        _plan([], "a b", "b c", {})


def test_options_become_changes() -> None:
    changes = declared_changes(rename=["a=b"], merge=["c, d=e"], split=["f=g,h"], drop=["i"])
    assert changes == {"a": ("b",), "c": ("e",), "d": ("e",), "f": ("g", "h"), "i": ()}


@pytest.mark.parametrize(
    "options",
    [
        {"rename": ["a"]},
        {"rename": ["a=b,c"]},
        {"merge": ["a=b"]},
        {"split": ["a=b"]},
        {"rename": ["a=b"], "drop": ["a"]},
    ],
)
def test_options_of_another_form_are_wrong_use(options: Any) -> None:
    with pytest.raises(UsageError):
        declared_changes(**options)
