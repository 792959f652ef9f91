"""Annotation files as arrays: gaps, empty sets, skips, repeats, and lines that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError
from tagger.labelling.opinions import read_opinions


def line(uid: str, annotator: str, *labels: str, **more: Any) -> dict[str, Any]:
    """One annotation as a pull writes it."""
    return {"uid": uid, "bulletin": uid.split(":")[0], "paragraph": 0, "text": "民警巡逻。开展宣传。",
            "annotator": annotator, "domains": list(labels), "status": "labelled", **more}  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes annotation lines and gives the file."""

    def write(*rows: dict[str, Any] | str) -> Path:
        path = tmp_path / "annotations.jsonl"
        text = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        path.write_text("\n".join(text), encoding="utf-8")
        return path

    return write


def test_empty_skipped_and_unlabelled_are_three_things(write: Callable[..., Path], domains: DomainSet) -> None:
    path = write(
        line("a:1", "li", "patrol"), line("a:1", "wang"),
        line("b:1", "li", status="skipped"), line("b:1", "wang", "traffic"),
    )  # fmt: skip
    read = read_opinions([path], domains)
    assert read.annotators == ("li", "wang")
    assert [unit.uid for unit in read.units] == ["a:1", "b:1"]
    assert read.labels.tolist() == [[[0, 1, 0], [-1, -1, -1]], [[0, 0, 0], [1, 0, 0]]]
    assert read.given.tolist() == [[True, False], [True, True]]
    assert read.skipped.tolist() == [[False, True], [False, False]]


def test_a_folder_of_a_pull_stands_for_its_file(write: Callable[..., Path], domains: DomainSet) -> None:
    path = write(line("a:1", "li", "patrol"))
    assert read_opinions([path.parent], domains).units == read_opinions([path], domains).units


def test_the_newest_labels_count(write: Callable[..., Path], domains: DomainSet) -> None:
    path = write(
        line("a:1", "li", "patrol", created="2026-01-02T00:00:00Z", lead_time=7),
        line("a:1", "li", "traffic", created="2026-01-01T00:00:00+00:00"),
    )
    read = read_opinions([path], domains)
    assert read.labels.tolist() == [[[0, 1, 0]]]
    assert read.lead_times.tolist() == [[7.0]]
    assert read.times[0, 0] == 1767312000


def test_what_must_be_looked_at_again_does_not_count(write: Callable[..., Path], domains: DomainSet) -> None:
    path = write(line("a:1", "li", "patrol", recheck="patrol was split"), line("a:1", "wang", "traffic"))
    assert read_opinions([path], domains).annotators == ("wang",)


def test_sentences_are_told_apart_where_they_are_marked(write: Callable[..., Path], domains: DomainSet) -> None:
    path = write(line("a:1", "li", "patrol", "propaganda", sentences=[["patrol"], None]), line("b:1", "li", sentence=2))
    read = read_opinions([path], domains, level="sentence")
    assert [(u.uid, u.sentence, u.text) for u in read.units] == [
        ("a:1", 0, "民警巡逻。"), ("b:1", 2, "民警巡逻。开展宣传。")
    ]  # fmt: skip
    assert read.labels.tolist() == [[[0, 1, 0], [0, 0, 0]]]


def test_a_paragraph_has_the_labels_of_its_sentences_if_no_line_says_its_own(
    write: Callable[..., Path], domains: DomainSet
) -> None:
    path = write(line("a:1", "li", "patrol", sentence=1), line("a:1", "li", "traffic", sentence=0), line("a:1", "wang"))
    read = read_opinions([path], domains)
    assert read.labels.tolist() == [[[1, 1, 0]], [[0, 0, 0]]]


def test_models_stand_last_and_are_no_people(write: Callable[..., Path], domains: DomainSet) -> None:
    read = read_opinions([write(line("a:1", "li", "patrol"))], domains).with_model("bert", np.array([[1, 0, 0]]))
    assert read.annotators == ("li", "bert")
    assert read.n_models == 1
    assert read.people.annotators == ("li",)
    assert read.people.n_models == 0
    assert read.only(["bert"]).n_models == 1
    with pytest.raises(InputError, match=r"no annotator 'zhao' in these files\. There are: li, bert"):
        read.only(["zhao"])


@pytest.mark.parametrize(
    ("row", "error", "said"),
    [
        ("{", InputError, r"annotations.jsonl:2: not an annotation"),
        ("[]", InputError, r"annotations.jsonl:2: not an annotation"),
        ("[" * 100_000, InputError, r"annotations.jsonl:2: not an annotation"),
        (line("a:2", "li") | {"status": "done"}, InputError, r":2: found status 'done', expected labelled or skipped"),
        (line("a:2", "li") | {"annotator": True}, InputError, r":2: found annotator True"),
        (line("a:2", "li") | {"domains": "patrol"}, InputError, r":2: task a:2: found domains 'patrol'"),
        (line("a:2", "li", "patrols"), CorpusError, r":2: task a:2: unknown domain 'patrols'. Did you mean 'patrol'"),
        (line("a:2", "li", created="yesterday"), InputError, r":2: not an annotation"),
        (line("a:2", "li", sentence="1"), InputError, r":2: not an annotation"),
        (line("a:2", "li", sentences=[["patrols"]]), CorpusError, r":2: task a:2: unknown domain 'patrols'"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    row: Any, error: type[Exception], said: str, write: Callable[..., Path], domains: DomainSet
) -> None:
    with pytest.raises(error, match=said):
        read_opinions([write(line("a:1", "li"), row)], domains)


def test_a_missing_or_empty_file_is_an_error(write: Callable[..., Path], domains: DomainSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_opinions([tmp_path / "none.jsonl"], domains)
    with pytest.raises(InputError, match="no annotation of a sentence in 1 lines"):
        read_opinions([write(line("a:1", "li"))], domains, level="sentence")
