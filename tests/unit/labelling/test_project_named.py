"""Naming a project that is not there: the error says which ones are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tagger.errors import LabellingError
from tagger.labelling.project import need_project


class _Listing:
    """A server's listing of projects."""

    url = "http://127.0.0.1:8080"

    def __init__(self, titles: list[str]) -> None:
        self._rows = [{"id": i, "title": title} for i, title in enumerate(titles, start=1)]

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        yield {"results": self._rows, "count": len(self._rows)}

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return self._rows[int(path.split("/")[2]) - 1]


def _need(titles: list[str], name: str) -> str:
    with pytest.raises(LabellingError) as error:
        need_project(_Listing(titles), name)  # type: ignore[arg-type]
    return str(error.value)


def test_an_empty_server_is_told_how_to_begin() -> None:
    assert "no project '标注'. There is none yet: make it with tagger labels init." in _need([], "标注")


def test_the_projects_that_are_there_are_named() -> None:
    said = _need(["公安通报领域标注", "试标"], "77")
    assert "There are: 1 '公安通报领域标注', 2 '试标'. A new one is made by tagger labels init." in said


def test_of_many_projects_the_newest_are_named() -> None:
    said = _need([f"第{i}批" for i in range(1, 9)], "nothing")
    assert "There are (the newest of 8): 4 '第4批', 5 '第5批', 6 '第6批', 7 '第7批', 8 '第8批'." in said


def test_a_project_is_found_by_its_number_and_by_its_title() -> None:
    server = _Listing(["甲", "乙"])
    assert [need_project(server, name).id for name in ("2", "甲")] == [2, 1]  # type: ignore[arg-type]
