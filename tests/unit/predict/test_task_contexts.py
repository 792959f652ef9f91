"""The neighbours that a task shows: whole paragraphs of the page, and nothing that a task is known by."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tagger.bulletins.bulletin import parse_bulletin
from tagger.models.storage import Model
from tagger.predict.as_label_studio import tasks
from tagger.predict.tagging import tag_bulletin

#: What a careless cut would part: beyond the first plane, joined by zero width, combining, of two letters.
_PIECES = st.sampled_from([
    "巡逻", "宣传单", "酒驾。", "一、", "（二）", "𠮷野", "👮🏽‍♂️", "e\u0301", "か\u3099", "紀(jì)律",
    "\u200b", "\ufeff", "\u3000", " ", "\t", "\u2028", "\x0b", "\x0c", "\r", "打印本页", "发布时间：2021-05-06",
    "长" * 600,
])  # fmt: skip
_LINES = st.lists(st.one_of(_PIECES, st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=8)
_PAGES = st.lists(_LINES.map("".join), max_size=6)


def _tasks(lines: list[str], model: Model, source: str = "b.txt") -> tuple[str, list[dict[str, Any]]]:
    bulletin = parse_bulletin("\n".join(lines), id="b", source=source)
    return bulletin.original, list(tasks(tag_bulletin(bulletin, model), "paragraph"))


@given(_PAGES)
def test_a_neighbour_is_the_whole_text_of_the_task_before_and_after(lexicon: Model, lines: list[str]) -> None:
    original, made = _tasks(lines, lexicon)
    texts = [task["data"]["text"] for task in made]
    assert [task["data"]["before"] for task in made] == ["", *texts][: len(texts)]
    assert [task["data"]["after"] for task in made] == [*texts, ""][1:]
    for task in made:
        data = task["data"]
        assert data["text"] == original[data["start"] : data["end"]]
        assert json.loads(json.dumps(data, ensure_ascii=False).encode()) == data


@given(_PAGES, st.integers(0, 5), _LINES.map("".join))
def test_what_a_task_is_known_by_does_not_depend_on_its_neighbours(
    lexicon: Model, lines: list[str], place: int, other: str
) -> None:
    """Another text beside it changes what it shows; a second push of the same page finds nothing to write."""
    _, made = _tasks(lines, lexicon)
    _, again = _tasks(lines, lexicon)
    assert again == made
    changed = [other if i == place else line for i, line in enumerate(lines)]
    hashes = {task["data"]["text"]: task["data"]["content_hash"] for task in made}
    for task in _tasks(changed, lexicon)[1]:
        if task["data"]["text"] in hashes:
            assert task["data"]["content_hash"] == hashes[task["data"]["text"]]
