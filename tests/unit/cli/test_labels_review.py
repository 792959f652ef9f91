"""`tagger labels agreement, merge, next, audit` on small files, as a person runs them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.corpus.examples import examples_from_jsonl
from tagger.domains import DomainSet
from tagger.models.lexicon import LexiconClassifier
from tagger.models.storage import load_model, save_model

Call = Callable[..., tuple[int | str | None, str, str]]

_NAMES = {"traffic": "交通管理", "patrol": "巡逻防控", "propaganda": "宣传"}
_TEXTS = {
    "a": ["民警在夜市巡逻。", "查处酒驾三起。", "开展宣传讲座。", "局党委召开会议。"],
    "b": ["巡逻并发放宣传单。", "民警上街。", "整治违停。", "审计完成。"],
}
_LI = {"a": ["patrol", "traffic", "propaganda", "-"], "b": ["patrol,propaganda", "patrol", "traffic", "-"]}
_WANG = {"a": ["patrol", "traffic", "propaganda", "patrol"], "b": ["patrol", "patrol", "-", "-"]}


@pytest.fixture
def domains_file(tmp_path: Path, domains: DomainSet) -> Path:
    """The three domains as a file."""
    import yaml

    path = tmp_path / "domains.yaml"
    path.write_text(yaml.safe_dump(domains.to_dict(), allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture
def pulled(tmp_path: Path) -> Path:
    """Eight paragraphs of two bulletins, labelled by two; they differ on three."""
    folder = tmp_path / "pulled"
    folder.mkdir()
    rows = [
        {"uid": f"{bulletin}:paragraph:{i}", "bulletin": bulletin, "paragraph": i, "text": _TEXTS[bulletin][i],
         "annotator": name, "domains": [] if words == "-" else words.split(","), "status": "labelled",
         "created": f"2026-03-0{i + 1}T08:00:00Z", "lead_time": 12.5, "origin": "prediction"}
        for name, said in (("li", _LI), ("wang", _WANG))
        for bulletin, sets in said.items()
        for i, words in enumerate(sets)
    ]  # fmt: skip
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "annotations.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.usefixtures("pulled")
def test_agreement_is_shown_and_written(call: Call, domains_file: Path, lexicon_folder: Path) -> None:
    code, out, err = call(
        "labels", "agreement", "pulled", "--domains", domains_file, "--model", lexicon_folder, "-o", "figures.json",
        "--disagreements", "differ.csv", "--queue", "review.jsonl", "--resamples", "100",
    )  # fmt: skip
    assert (code, err) == (0, "3 tasks in the queue “标注分歧”: review.jsonl\n")
    assert out.startswith("8 units of 2 bulletins, 8 labelled by two or more; they differ on 3\n")
    assert "li – wang" in out
    assert "label sets (MASI)" in out
    assert "words" in out
    assert "100%" in out
    figures = json.loads(Path("figures.json").read_text(encoding="utf-8"))
    (between,) = [pair for pair in figures["pairs"] if pair["annotators"] == ["li", "wang"]]
    assert between["exact_match"] == 5 / 8
    assert figures["f1"]["li"]["f1_micro"] == pytest.approx(10 / 13)
    with open("differ.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["uid"] for row in rows} == {"a:paragraph:3", "b:paragraph:0", "b:paragraph:2"}
    assert {(row["li"], row["wang"]) for row in rows} == {
        ("—", "patrol"),
        ("patrol;propaganda", "patrol"),
        ("traffic", "—"),
    }
    queue = [json.loads(line) for line in Path("review.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [len(task["predictions"]) for task in queue] == [2, 2, 2]


@pytest.mark.usefixtures("pulled")
def test_merged_labels_are_examples(call: Call, domains_file: Path, domains: DomainSet) -> None:
    code, _, err = call("labels", "merge", "pulled", "--domains", domains_file, "-o", "merged.jsonl")
    assert code == 0
    assert "5 of 8 units merged; 3 tied, 0 without labels" in err
    assert "tied and left out: a:paragraph:3, b:paragraph:0, b:paragraph:2" in err
    examples = examples_from_jsonl("merged.jsonl", domains)
    assert examples.y_true.sum(axis=0).tolist() == [1, 2, 1]
    assert len(examples) == 5
    code, out, err = call("labels", "merge", "pulled", "--domains", domains_file, "--adjudicator", "li")
    assert code == 0
    assert "8 of 8 units merged" in err
    assert [json.loads(line)["merged_by"] for line in out.splitlines()] == ["adjudicator"] * 8


@pytest.mark.usefixtures("pulled")
def test_next_leaves_out_what_is_labelled(call: Call, domains_file: Path, lexicon_folder: Path, tmp_path: Path) -> None:
    for bulletin, texts in _TEXTS.items():
        (tmp_path / f"{bulletin}.txt").write_text(
            "\n\n".join([*texts, f"民警在{bulletin}区巡逻并宣传反诈。"]), encoding="utf-8"
        )
    options = ("--domains", domains_file, "--model", lexicon_folder, "-n", "5")
    code, out, err = call("labels", "next", "a.txt", "b.txt", *options)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(rows) == 5
    assert err == "5 of 10 unlabelled paragraphs\n"
    code, out, err = call(
        "labels", "next", "a.txt", "b.txt", "none.txt", *options, "--labelled", "pulled", "--queue", "next.jsonl"
    )
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert "tagger: none.txt: " in err
    assert "2 of 2 unlabelled paragraphs; too few labels to tell" in err
    assert {row["uid"] for row in rows} == {"a:paragraph:4", "b:paragraph:4"}
    assert all("；阈值 0.50）" in row["reason"] for row in rows)
    assert {row["domain"] for row in rows} <= set(_NAMES)
    assert all(_NAMES[row["domain"]] in row["reason"] for row in rows)
    assert not any(id in row["reason"] for row in rows for id in _NAMES)
    queue = [json.loads(line) for line in Path("next.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [task["uid"] for task in queue] == [row["uid"] for row in rows]
    assert {task["queue"] for task in queue} == {"优先标注"}
    assert queue[0]["priority"] > queue[1]["priority"]


def test_next_tells_two_models_of_one_name_apart(
    call: Call, domains_file: Path, domains: DomainSet, lexicon_folder: Path, tmp_path: Path
) -> None:
    classifier = LexiconClassifier([["巡逻"], ["夜市"], ["巡逻"]], [[], [], []])
    save_model(tmp_path / "other", classifier, domains, np.full(3, 0.5), config={}, name="words")
    (tmp_path / "a.txt").write_text("民警巡逻。", encoding="utf-8")
    options = ("--domains", domains_file, "--model", lexicon_folder, "--model", "other")
    code, out, _ = call("labels", "next", "a.txt", *options)
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    names = [f"words {load_model(folder).version}" for folder in (lexicon_folder, tmp_path / "other")]
    assert list(row["scores"]) == names
    first, second = row["scores"].values()
    assert first != second
    assert (first > second) == (row["domain"] == "patrol"), "the word is patrol to the first, all else to the other"
    assert all(f"{name} {row['scores'][name]:.2f} 分" in row["reason"] for name in names)


def test_audit_writes_suspects_with_evidence(call: Call, tmp_path: Path, lexicon_folder: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab comes with the extra label")
    rng = np.random.default_rng(0)
    truth = (rng.random((60, 3)) < 0.4).astype(np.int8)
    y_true = truth.copy()
    truth[0], y_true[0] = [0, 1, 0], [0, 0, 0]
    run = tmp_path / "run"
    run.mkdir()
    ids = [f"b{i // 6}.{i % 6}.0" for i in range(60)]
    np.savez(
        run / "out_of_fold.npz", ids=np.array(ids), bulletins=np.array([id.split(".")[0] for id in ids]), y_true=y_true,
        y_proba=np.where(truth, 0.95, 0.05).astype(np.float32), thresholds=np.full(3, 0.5),
        paragraphs=np.arange(60) % 6, domains=np.array(["traffic", "patrol", "propaganda"]),
    )  # fmt: skip
    texts = ["=民警夜间巡逻。", *(f"第{i}句。" for i in range(1, 60))]
    rows = [{"id": id, "text": text} for id, text in zip(ids, texts, strict=True)]
    (run / "sentences.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, out, err = call("labels", "audit", "run", "--model", lexicon_folder, "--queue", "q.jsonl")
    assert (code, out, Path("q.jsonl").exists()) == (1, "", False)
    assert "the run does not say in which tasks its sentences were labelled" in err
    for row in rows:
        bulletin, paragraph, _ = row["id"].split(".")
        row["uid"] = f"{bulletin}:paragraph:{int(paragraph) + 3}"
    (run / "sentences.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    code, _, err = call("labels", "audit", "run", "--model", lexicon_folder, "-o", "s.csv", "--queue", "q.jsonl")
    assert code == 0
    assert err.endswith("1 suspects among 60 texts\n")
    with open("s.csv", encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["id"], row["domain"], row["words"]) == ("b0.0.0", "patrol", "巡逻")
    assert row["text"] == "'=民警夜间巡逻。", "a spreadsheet would run it"
    task = json.loads(Path("q.jsonl").read_text(encoding="utf-8"))
    assert task["uid"] == "b0:paragraph:3", "the task it was labelled in, not the run's number"
    assert task["note"] == "“=民警夜间巡逻。”没有标巡逻防控，但模型给了 0.95 分（阈值 0.50；依据：巡逻）。"
    assert task["queue"] == "标注核查"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("agreement", "none"), 1, "tagger: none: no such file. See tagger labels pull, which writes this form."),
        (("agreement", "pulled", "-o", "x", "--queue", "x"), 2, "x: found one file named twice"),
        (("agreement", "pulled", "-o", "pulled/annotations.jsonl"), 2, "is also an input"),
        (("agreement", "pulled", "--model", " "), 2, "--model: found an empty name"),
        (("merge", "pulled", "--method", "dawid-skene", "--adjudicator", "li"), 2, "expected one"),
        (("merge", "pulled", "--adjudicator", "sun"), 1, "no annotator 'sun' in these files. There are: li, wang."),
        (("next", "none.txt", "--model", "lexicon"), 1, "tagger: none.txt: "),
        (("audit", "none"), 1, "tagger: none: no such file"),
    ],
)
@pytest.mark.usefixtures("pulled")
def test_errors_say_where_and_what(args: tuple[str, ...], code: int, said: str, call: Call) -> None:
    Path("domains.yaml").unlink(missing_ok=True)
    found, out, err = call("labels", *args)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


def test_next_says_when_the_curve_is_flat(call: Call, domains_file: Path, lexicon_folder: Path, tmp_path: Path) -> None:
    kinds = (
        ("民警在夜市巡逻", ["patrol"]),
        ("交警查处酒驾", ["traffic"]),
        ("开展宣传讲座", ["propaganda"]),
        ("召开会议", []),
    )
    rows = [
        {"uid": f"old:paragraph:{i}", "bulletin": "old", "paragraph": i, "text": f"{kinds[i % 4][0]}第{i}次。",
         "annotator": "li", "domains": kinds[i % 4][1], "status": "labelled",
         "created": f"2026-03-01T{i // 60:02}:{i % 60:02}:00Z"}
        for i in range(400)
    ]  # fmt: skip
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "done.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "new.txt").write_text("民警巡逻。\n\n查处酒驾。\n\n宣传讲座。\n\n审计。", encoding="utf-8")
    options = ("--domains", domains_file, "--model", lexicon_folder, "--labelled", "done.jsonl", "-n", "2")
    code, out, err = call("labels", "next", "new.txt", *options)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "2 of 4 unlabelled paragraphs; the curve is flat from 100 to 400 labels" in err
