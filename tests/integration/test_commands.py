"""The other commands: train, evaluate, models, data and doctor."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

_DOMAINS = (
    "version: 1\ndomains:\n  - {id: traffic, zh: 交通管理}\n  - {id: patrol, zh: 巡逻防控}\n"
    "  - {id: propaganda, zh: 宣传}\n"
)


def test_what_is_trained_can_be_shown_and_used(run: Run, tmp_path: Path, corpus_folder: Path) -> None:
    (tmp_path / "domains.yaml").write_text(_DOMAINS, encoding="utf-8")
    (tmp_path / "a.txt").write_text("巡特警每晚在夜市开展武装巡逻。", encoding="utf-8")
    settings = [f"data.corpus={corpus_folder}", "data.domains=domains.yaml", "model=tfidf", "split.n_folds=2",
                "output=mine", "seed=3"]  # fmt: skip
    done = run("train", *settings)
    assert done.returncode == 0
    first, micro, macro = done.stdout.splitlines()
    assert first.startswith("mine  tfidf ")
    assert micro.startswith("f1_micro 0.")
    assert macro.startswith("f1_macro 0.")

    shown = json.loads(run("models", "show", "mine").stdout)
    assert (shown["name"], shown["kind"], shown["seed"], shown["data"]["n_bulletins"]) == ("mine", "tfidf", 3, 8)
    assert first.endswith(shown["version"])
    assert shown["thresholds"].keys() == {"traffic", "patrol", "propaganda"}
    assert shown["config"]["split"]["n_folds"] == 2
    assert list(json.loads(run("predict", "a.txt", "--model", "mine").stdout)["domains"]) == ["patrol"]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Labelled sentences of two bulletins."""
    rows = [
        {"bulletin": "a", "text": "民警巡逻。", "domains": ["patrol"]},
        {"bulletin": "a", "text": "民警上街。", "domains": ["patrol"]},
        {"bulletin": "b", "text": "发放宣传单。", "domains": ["propaganda"]},
        {"bulletin": "b", "text": "查处酒驾。", "domains": []},
    ]
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_model_is_measured_on_labelled_sentences(run: Run, gold: Path, lexicon_folder: Path) -> None:
    done = run("evaluate", gold, "--model", lexicon_folder)
    assert (done.returncode, done.stderr) == (0, "")
    name, sentence, *domains_, _, bulletin = [line for line in done.stdout.splitlines() if "support" not in line]
    assert name.startswith("words ")
    assert sentence.split()[:3] == ["sentence", "f1_micro", "0.667"]
    assert sentence.endswith("precision 0.667  recall 0.667  exact 0.500  n 4")
    assert bulletin.split()[:3] == ["bulletin", "f1_micro", "0.800"]
    assert domains_ == []
    supports = [line.split() for line in done.stdout.splitlines() if "support" in line]
    assert [(row[0], row[-1]) for row in supports] == [("traffic", "0"), ("patrol", "2"), ("propaganda", "1")]


def test_models_that_ship_are_listed_with_the_default_starred(run: Run) -> None:
    done = run("models", "list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line[2:].split()[0] for line in lines] == ["bert", "lexicon", "tfidf"]
    assert [line[0] for line in lines] == ["*", " ", " "]
    assert all("out-of-fold f1_micro 0." in line and " MB " in line for line in lines)


def test_every_breach_of_a_corpus_is_named_with_its_line(run: Run, tmp_path: Path, corpus_folder: Path) -> None:
    folder = Path(shutil.copytree(corpus_folder, tmp_path / "corpus"))
    for name, old, new in (("01.txt", "\tpatrol", "\tpatrl"), ("05.txt", "# year: 2019", "# year: soon")):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    done = run("data", "check", "corpus")
    assert (done.returncode, done.stdout) == (1, "6 of 8 files are well\n")
    assert done.stderr.splitlines() == [
        "tagger: corpus/01.txt:10: unknown domain 'patrl'. Did you mean 'patrol'? Use - for none.",
        "tagger: corpus/05.txt:1: found year 'soon', expected four digits.",
    ]


def test_a_corpus_is_counted(run: Run, corpus_folder: Path) -> None:
    done = run("data", "stats", corpus_folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("8 bulletins, 48 sentences, ")
    assert lines[1] == "no domain 33.3%, two or more 16.7%"
    assert lines[2] == "domain: traffic 16, propaganda 16, patrol 8"
    assert "year: 2019 8" in lines
    assert "province: 云南 8" in lines


def test_a_sound_installation_is_well(run: Run) -> None:
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "all is well"
    assert {"model lexicon: works", "model tfidf: works", "reader of documents: works"} <= set(lines)
    assert not any("PROBLEM" in line for line in lines)
