"""The tab of a review queue: a filter that shows its tasks and no others."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tagger.labelling.review_queue import ReviewTask, make_queue

#: Ids hold file names, so anything that a file name may.
_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=12)
_UIDS = st.sets(_NAMES.map("{}:paragraph:0".format), min_size=1, max_size=6)


def _shows(uids: set[str], uid: str) -> bool:
    (item,) = make_queue("Q", [ReviewTask(one, 1, "") for one in sorted(uids)]).tab()["filters"]["items"]
    return re.search(item["value"], uid) is not None


@given(_UIDS, _NAMES)
def test_a_tab_shows_its_tasks_and_no_others(uids: set[str], other: str) -> None:
    assert all(_shows(uids, uid) for uid in uids)
    assert not _shows(uids, f"{other}:paragraph:1")
    assert not _shows(uids, f"a{min(uids)}") or f"a{min(uids)}" in uids


def test_the_operator_is_one_that_the_page_knows() -> None:
    """Those of its own filters for text; another leaves the page of the project empty."""
    (item,) = make_queue("Q", [ReviewTask("a:paragraph:0", 1, "")]).tab()["filters"]["items"]
    assert item["operator"] in {"equal", "not_equal", "contains", "not_contains", "regex", "empty"}
