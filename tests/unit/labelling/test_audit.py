"""Label errors that were put in are found; a run folder is read with care; the queue shows both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.domains import Domain, DomainSet
from tagger.errors import InputError
from tagger.labelling.audit import find_suspects, read_out_of_fold, review_queue, table_rows
from tagger.labelling.review_queue import push_queue

_DOMAINS = ("traffic", "patrol", "propaganda")
_NAMES = DomainSet([Domain("traffic", "交通管理"), Domain("patrol", "巡逻防控"), Domain("propaganda", "宣传")])
_N = 300


def _arrays(seed: int = 0) -> dict[str, Any]:
    """Three hundred sentences, scores that know the truth but for some noise, and six labels turned round."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((_N, 3)) < 0.3).astype(np.int8)
    y_proba = np.clip(np.where(truth, 0.9, 0.1) + rng.normal(0, 0.05, truth.shape), 0.01, 0.99)
    y_true = truth.copy()
    for row in range(6):
        y_true[row, row % 3] ^= 1
    places = [(f"b{i // 10}", i % 10 // 2, i % 2) for i in range(_N)]
    return {
        "ids": np.array([f"{b}.{p}.{s}" for b, p, s in places]), "bulletins": np.array([b for b, _, _ in places]),
        "paragraphs": np.array([p for _, p, _ in places]), "y_true": y_true, "y_proba": y_proba.astype(np.float32),
        "thresholds": np.full(3, 0.4), "domains": np.array(_DOMAINS),
    }  # fmt: skip


def _uids(arrays: dict[str, Any]) -> list[str]:
    """Tasks of a page whose every other paragraph has no label: other numbers than the run's."""
    return [f"{b}:paragraph:{2 * p + 1}" for b, p in zip(arrays["bulletins"], arrays["paragraphs"], strict=True)]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run's scores and sentences."""
    arrays = _arrays()
    np.savez_compressed(tmp_path / "out_of_fold.npz", **arrays)
    lines = [json.dumps({"id": str(id), "text": f"第{i}句", "title": "题", "uid": uid}, ensure_ascii=False)
             for i, (id, uid) in enumerate(zip(arrays["ids"], _uids(arrays), strict=True))]  # fmt: skip
    (tmp_path / "sentences.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_labels_that_were_turned_round_are_found(run_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    suspects = find_suspects(read_out_of_fold(run_folder), explain=lambda row, column: [f"词{row}", _DOMAINS[column]])
    assert {s.row for s in suspects} == set(range(6))
    assert {(s.row, s.domain) for s in suspects} == {(row, _DOMAINS[row % 3]) for row in range(6)}
    first = suspects[0]
    assert first.text == f"第{first.row}句"
    assert first.words == (f"词{first.row}", first.domain)
    assert first.labelled == (first.score < 0.5)
    assert [s.quality for s in suspects] == sorted(s.quality for s in suspects)


def test_only_so_many_are_given(run_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    scores = read_out_of_fold(run_folder / "out_of_fold.npz")
    assert [s.id for s in find_suspects(scores, 2)] == [s.id for s in find_suspects(scores)[:2]]


def test_a_domain_without_two_sides_is_passed_over(run_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    arrays = _arrays() | {"y_true": _arrays()["y_true"] * np.array([1, 1, 0], dtype=np.int8)}
    np.savez(run_folder / "out_of_fold.npz", **arrays)
    assert {s.domain for s in find_suspects(read_out_of_fold(run_folder))} <= {"traffic", "patrol"}


def test_the_queue_holds_the_whole_paragraphs_labels_and_the_models(run_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    scores = read_out_of_fold(run_folder)
    queue = review_queue(scores, find_suspects(scores), _NAMES)
    assert len(queue.uids) == 3, "two sentences a paragraph"
    for task in queue.tasks:
        rows = [i for i, uid in enumerate(_uids(_arrays())) if uid == task.uid]
        now, then = (set(domains) for _, domains in task.opinions)
        assert now == {_DOMAINS[c] for c in np.flatnonzero(scores.y_true[rows].any(axis=0))}
        assert then == {_DOMAINS[c] for c in np.flatnonzero((scores.y_proba[rows] > 0.5).any(axis=0))}
        assert "（阈值 0.40" in task.note
        for row in rows[:2]:
            name = _NAMES.shown_names[_DOMAINS[row % 3]]
            said = "标了" if scores.y_true[row, row % 3] else "没有标"
            assert f"“第{row}句”{said}{name}，但模型" in task.note
    rows = list(table_rows(find_suspects(scores)))
    assert len({len(row) for row in rows}) == 1


def test_a_run_that_names_no_tasks_gives_no_queue(run_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    path = run_folder / "sentences.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["uid"] = row["uid"] if row["id"] == "b0.0.0" else ""
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    scores = read_out_of_fold(run_folder)
    assert review_queue(scores, find_suspects(scores), _NAMES).uids == ["b0:paragraph:1"], "the others are left out"
    path.unlink()
    scores = read_out_of_fold(run_folder)
    suspects = find_suspects(scores)
    assert {suspect.to_dict()["uid"] for suspect in suspects} == {None}
    with pytest.raises(InputError, match=r"sentences\.jsonl: the run does not say .* tagger labels pull"):
        review_queue(scores, suspects, _NAMES)


class _Server:
    """What a queue does to a server, written down; knows nothing of Label Studio."""

    def __init__(self) -> None:
        self.state: dict[Any, Any] = {}
        self.order: list[str] = []

    def set_note(self, uid: str, note: str) -> None:
        self.state["note", uid] = note
        self.order.append("note")

    def replace_predictions(self, uid: str, predictions: Any) -> None:
        self.state["predictions", uid] = list(predictions)
        self.order.append("predictions")

    def replace_tab(self, tab: dict[str, Any]) -> None:
        self.state["tab", tab["title"]] = tab
        self.order.append("tab")


def test_a_queue_pushed_twice_is_there_once(run_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    scores = read_out_of_fold(run_folder)
    queue, server = review_queue(scores, find_suspects(scores), _NAMES), _Server()
    assert push_queue(server, queue) == 3
    assert server.order[-1] == "tab", "no task is shown before its opinions are there"
    once = dict(server.state)
    push_queue(server, queue)
    assert server.state == once


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"y_proba": np.full((_N, 3), np.nan, dtype=np.float32)}, r"scores outside \[0, 1\] or none"),
        ({"y_proba": np.zeros((_N, 2), dtype=np.float32)}, r"y_proba of shape \(300, 2\), expected \(300, 3\)"),
        ({"y_true": np.full((_N, 3), 2, dtype=np.int8)}, "labels other than 0 and 1"),
        ({"thresholds": np.zeros(4)}, r"thresholds of shape \(4,\), expected \(3,\)"),
        ({"bulletins": np.array(["b"])}, r"bulletins of shape \(1,\), expected \(300,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(broken: dict[str, Any], told: str, run_folder: Path) -> None:
    np.savez(run_folder / "out_of_fold.npz", **(_arrays() | broken))
    with pytest.raises(InputError, match=told):
        read_out_of_fold(run_folder)


def test_a_run_that_cannot_be_read_is_named(run_folder: Path) -> None:
    with pytest.raises(InputError, match=r"none/out_of_fold.npz: no such file|none: no such file"):
        read_out_of_fold(run_folder / "none")
    np.savez(run_folder / "out_of_fold.npz", **(_arrays() | {"ids": np.array([{}] * _N, dtype=object)}))
    with pytest.raises(InputError, match="not an archive of arrays"):
        read_out_of_fold(run_folder)
    (run_folder / "out_of_fold.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError, match="not an archive of arrays"):
        read_out_of_fold(run_folder)


def test_sentences_that_are_none_are_refused(run_folder: Path) -> None:
    (run_folder / "sentences.jsonl").write_text('{"id": "a"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="not the sentences of a run"):
        read_out_of_fold(run_folder)
