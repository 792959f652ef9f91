"""`tagger experiments`: runs listed, compared and reported on, as a person would do it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from tagger.cli.columns import clean
from tagger.cli.evidence import explain_run
from tagger.evaluation.runs import read_run
from tagger.evaluation.summary import summarize, to_json

if TYPE_CHECKING:
    from tagger.corpus.examples import Examples
    from tagger.models.storage import Model

Call = Callable[..., tuple[int | str | None, str, str]]


def write_run(folder: Path, examples: Examples, model: Path, y_proba: np.ndarray, seed: int = 1) -> None:
    """A run folder as `tagger train` writes it, of the small corpus."""
    ids = np.array(["traffic", "patrol", "propaganda"])
    shutil.copytree(model, folder / "model")
    arrays = {
        "ids": np.array(examples.ids), "bulletins": examples.bulletins, "paragraphs": examples.paragraphs,
        "y_true": examples.y_true, "y_proba": y_proba.astype(np.float32), "thresholds": np.full(3, 0.5),
    }  # fmt: skip
    np.savez(folder / "out_of_fold.npz", domains=ids, **arrays)
    summary = summarize(examples.y_true, y_proba, np.full(3, 0.5), bulletins=examples.bulletins,
                        paragraphs=examples.paragraphs, ids=ids.tolist())  # fmt: skip
    metrics: dict[str, object] = {"out_of_fold": to_json(summary)}
    if folder.name == "words":
        other = {"f1_micro": 0.654, "f1_macro": 0.643, "interval_95": {"f1_micro": [0.601, 0.702]}}
        metrics["thresholds"] = {"other_bulletins": other}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    data = {"hash": examples.hash, "n_bulletins": 8}
    facts = {"format": 1, "kind": folder.name, "seed": seed, "seconds": 3.25, "data": data}
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": {"kind": folder.name}, "seed": seed}))
    rows = zip(examples.ids, examples.bulletins, examples.paragraphs, examples.texts, strict=True)
    lines = [
        {"id": i, "bulletin": str(b), "paragraph": int(p), "text": t.text, "title": t.title} for i, b, p, t in rows
    ]
    (folder / "sentences.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def runs(tmp_path: Path, examples: Examples, lexicon_folder: Path, lexicon: Model) -> Path:
    """Two runs: the lexicon, and one that errs at random."""
    y_proba = lexicon.classifier.predict_proba(examples.texts)
    write_run(tmp_path / "runs" / "words", examples, lexicon_folder, y_proba)
    noise = np.random.default_rng(0).random(y_proba.shape)
    write_run(
        tmp_path / "runs" / "chance",
        examples,
        lexicon_folder,
        np.where(noise < 0.4, np.clip(0.9 - y_proba, 0, 1), y_proba),
    )
    return tmp_path / "runs"


def test_runs_are_listed(call: Call, runs: Path) -> None:
    code, out, err = call("experiments", "list", runs)
    assert (code, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split() == ["run", "kind", "seed", "data", "f1_micro", "f1_macro", "f1_micro,", "thresholds", "of",
                            "other", "bulletins", "seconds"]  # fmt: skip
    assert rows[0].split()[-2] == "—", "this run does not say"
    assert rows[1].split()[-4:-1] == ["0.654", "[0.601,", "0.702]"]
    assert [row.split()[0] for row in rows] == ["chance", "words"]
    run = read_run(runs / "words")
    low, high = run.figures()["interval_95"]["f1_micro"]
    assert rows[1].split()[3:7] == [
        run.data_hash[:8],
        f"{run.figures()['f1_micro']:.3f}",
        f"[{low:.3f},",
        f"{high:.3f}]",
    ]
    assert rows[1].split()[-1] == "3.2"


@pytest.mark.usefixtures("runs")
def test_the_folder_that_is_listed_is_runs(call: Call) -> None:
    assert call("experiments", "list")[0] == 0


def test_a_damaged_run_is_named_and_the_others_are_listed(call: Call, runs: Path) -> None:
    (runs / "chance" / "metrics.json").write_text("{")
    code, out, err = call("experiments", "list", runs)
    assert code == 3
    assert [line.split()[0] for line in out.splitlines()] == ["run", "words"]
    assert err.startswith(f"tagger: {runs}/chance/metrics.json: not JSON (")


def test_a_folder_without_runs_says_what_to_do(call: Call, tmp_path: Path) -> None:
    code, _, err = call("experiments", "list", tmp_path)
    assert (code, err) == (1, f"tagger: {tmp_path}: no run in it. tagger train … output=DIR writes one.\n")


def test_a_comparison_begins_with_the_verdict(call: Call, runs: Path, tmp_path: Path) -> None:
    code, out, err = call("experiments", "compare", runs, "--sentences", 1, "-o", "d.csv", "--figures", "f.json")
    assert (code, err) == (0, "")
    first, _, sentence, head, *rows = out.splitlines()
    assert (
        first == f"{len(read_run(runs / 'words').out_of_fold)} sentences of 8 bulletins that all runs have, out of fold"
    )
    assert sentence.startswith("words is better than chance by ")
    assert head.split()[:3] == ["F1", "chance", "words"]
    assert [row.split()[0] for row in rows[:5]] == ["f1_micro", "f1_macro", "traffic", "patrol", "propaganda"]
    figures = json.loads((tmp_path / "f.json").read_text())
    found = figures["pairs"][0]["comparison"]["f1_micro"]
    assert f"{found['b']:.3f}" == rows[0].split()[2]
    with (tmp_path / "d.csv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.DictReader(file))
    assert f"{len(written)} sentences are not tagged alike, such as" in out
    assert written[0]["text"] in out
    assert {"id", "labels", "differs", "tags chance", "tags words"} <= set(written[0])


def test_a_comparison_states_the_figures_that_no_threshold_could_fit(call: Call, runs: Path, tmp_path: Path) -> None:
    _, out, _ = call("experiments", "compare", runs, "--figures", "f.json")
    rows = [line.split() for line in out.splitlines()]
    place = rows.index(["run", "f1_micro,", "thresholds", "of", "other", "bulletins", "f1_macro"])
    assert rows[place + 1] == ["words", "0.654", "0.643"]
    figures = json.loads((tmp_path / "f.json").read_text())["thresholds_of_other_bulletins"]
    assert figures["chance"] == {}
    assert figures["words"]["f1_macro"] == 0.643
    _, out, _ = call("experiments", "compare", runs, "--level", "paragraph")
    assert "thresholds of other bulletins" not in out


def test_runs_of_other_folds_are_compared_with_a_warning(call: Call, runs: Path, tmp_path: Path) -> None:
    _, out, _ = call("experiments", "compare", runs)
    assert "not of the same folds" not in out
    facts = json.loads((runs / "words" / "run.json").read_text())
    (runs / "words" / "run.json").write_text(json.dumps({**facts, "split_hash": "another"}))
    _, out, _ = call("experiments", "compare", runs, "--figures", "f.json")
    assert "warning: not of the same folds as chance: words. " in out
    assert out.index("warning:") < out.index("words is better than chance")
    assert json.loads((tmp_path / "f.json").read_text())["other_folds"] == ["chance", "words"]


def test_differences_are_written_as_json_lines(call: Call, runs: Path, tmp_path: Path) -> None:
    call("experiments", "compare", runs / "words", runs / "chance", "-o", "d.jsonl", "--level", "paragraph")
    rows = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows
    assert all(row["tags"]["words"] != row["tags"]["chance"] for row in rows)


def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(call: Call, runs: Path, tmp_path: Path) -> None:
    for name in ("words", "chance"):
        lines = [json.loads(line) for line in (runs / name / "sentences.jsonl").read_text().splitlines()]
        text = "".join(json.dumps({**line, "text": "=1+1"}) + "\n" for line in lines)
        (runs / name / "sentences.jsonl").write_text(text)
    call("experiments", "compare", runs, "-o", "d.csv")
    with (tmp_path / "d.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["text"] for row in csv.DictReader(file)} == {"'=1+1"}


@pytest.mark.parametrize(
    ("args", "code", "problem"),
    [
        (["compare", "runs/words"], 2, "compare: 1 run of one configuration, expected two configurations."),
        (["compare", "nothing"], 1, "nothing: no such folder. Give a run folder, as tagger train writes it."),
        (["compare", "runs", "--test"], 2, "has no test scores. Train with data.test=FILE, or leave out --test."),
        (["compare", "runs", "-o", "d.txt"], 2, "--output: found d.txt, expected a name that ends in .csv or .jsonl."),
        (["compare", "runs", "--level", "word"], 2, "Invalid value for '--level'"),
        (["report", "runs", "-o", "r.pdf"], 2, "--output: found r.pdf, expected a name that ends in .html or .md."),
        (["report", "runs"], 2, "Missing option '--output' / '-o'"),
        (["report", "runs", "-o", "r.html", "--agreement", "x.json"], 1, "x.json: no such file."),
        (["report", "runs", "-o", "no/r.html", "--errors", "0"], 1, "no: no such folder. Make it first."),
    ],
)
@pytest.mark.usefixtures("runs")
def test_wrong_use_is_told_in_one_line(call: Call, args: list[str], code: int, problem: str) -> None:
    found, out, err = call("experiments", *args)
    assert (found, out) == (code, "")
    assert problem in err
    assert err.count("\n") == 1


def test_a_page_is_written_with_the_evidence_of_the_model(call: Call, runs: Path, tmp_path: Path) -> None:
    code, out, err = call("experiments", "report", runs, "-o", "r.html", "--errors", 50, "--lang", "en")
    assert (code, out, err) == (0, "", "")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "words is better than chance" in html
    assert '<mark title="+1.00">' in html
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_markdown_is_written_with_a_folder_of_pictures(call: Call, runs: Path, tmp_path: Path) -> None:
    args = ("experiments", "report", runs / "words", "-o", "r.md", "--no-evidence", "--errors", 0, "--images", "png")
    assert call(*args) == (0, "", "")
    assert "(r_files/f1.png)" in (tmp_path / "r.md").read_text(encoding="utf-8")
    assert (tmp_path / "r_files" / "f1.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "r_files" / "thesis.docx").write_text("mine")
    code, _, err = call(*args)
    assert (code, err) == (
        1, "tagger: r_files: holds thesis.docx, which is no plot; the plots would go there. Choose another name.\n"
    )  # fmt: skip
    assert (tmp_path / "r_files" / "thesis.docx").read_text() == "mine"


def test_evidence_is_that_of_the_sentence_on_its_page(runs: Path, examples: Examples, lexicon: Model) -> None:
    run = read_run(runs / "words")
    row = next(i for i, text in enumerate(examples.texts) if "酒驾" in text.text)
    (spans,) = explain_run(run, [(examples.ids[row], 0)])
    assert "酒驾" in {examples.texts[row].text[span.start : span.end] for span in spans}


def test_a_run_without_a_model_has_no_evidence_and_says_so(runs: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(runs / "words" / "model")
    run = read_run(runs / "words")
    assert explain_run(run, [("x", 0), ("y", 1)]) == [(), ()]
    assert "words: no evidence (" in caplog.text


def test_names_steer_no_terminal() -> None:
    assert clean("a\x1b[31m\nb\u202ec") == "a [31m bc"
