"""Several runs of one command: their folders, what fails, and what Hydra may not leave behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.training import run as run_module
from tagger.training.multirun import expand, name_run, run_jobs

Call = Callable[..., tuple[int | str | None, str, str]]
_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a domain list and a lexicon of its own, named as the shell would name them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    words = "".join(f"{id}:\n  words: [{id}]\n" for id in ("traffic", "patrol", "propaganda"))
    (tmp_path / "words.yaml").write_text(words)
    return tmp_path


@pytest.fixture
def settings(here: Path, corpus_folder: Path) -> list[str]:
    """Settings of quick runs on the small corpus, by relative paths."""
    return [f"data.corpus={os.path.relpath(corpus_folder, here)}", "data.domains=domains.yaml", "model=lexicon",
            "model.lexicon=words.yaml"]  # fmt: skip


@pytest.mark.parametrize(
    ("sweep", "names"),
    [
        (["seed=1,2"], ["seed=1", "seed=2"]),
        (["seed=range(1,4)"], ["seed=1", "seed=2", "seed=3"]),
        (["model.head.C=choice(0.5,1)", "seed=1,2"],
         ["model.head.C=0.5,seed=1", "model.head.C=0.5,seed=2", "model.head.C=1,seed=1", "model.head.C=1,seed=2"]),
        (["model=glob(tf*)"], ["model=tfidf"]),
        (["model=tfidf,bert"], ["model=tfidf", "model=bert"]),
        (["model.features.char_ngrams=[1,2],[1,3]"], [f"model.features.char_ngrams=[1,{n}]" for n in (2, 3)]),
        (["seed=1", "hydra.verbose=false"], ["seed=1"]),
    ],
    ids=str,
)  # fmt: skip
def test_hydras_own_syntax_is_expanded(sweep: list[str], names: list[str]) -> None:
    assert list(expand(sweep, Path("runs"))) == [f"runs/{name}" for name in names]


def test_every_run_has_the_settings_of_its_folder() -> None:
    configs = expand(["model.head.C=1,2", "seed=7"], Path("runs"))
    assert [(config.model.head.C, config.seed) for config in configs.values()] == [(1.0, 7), (2.0, 7)]
    assert [config.output for config in configs.values()] == list(configs)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["seed=2", "model=tfidf"], "model=tfidf,seed=2"),
        ([], "run"),
        (["data.corpus=../a b/c"], "data.corpus=..-a-b-c-"),
        (["data.corpus=../a/b/c"], "data.corpus=..-a-b-c-"),
        ([f"key{n}={n}" for n in range(60)], "key0=0,key10=10,"),
        (["data.corpus=" + "通" * 80], "data.corpus=通通"),
    ],
    ids=lambda value: value[0][:30] if isinstance(value, list) and value else "",
)
def test_a_folder_is_called_by_what_it_overrides(overrides: list[str], name: str) -> None:
    found = name_run(overrides)
    assert found.startswith(name)
    assert len(found.encode()) <= 120
    assert "/" not in found


def test_different_runs_have_different_folders() -> None:
    assert name_run(["data.corpus=../a b/c"]) != name_run(["data.corpus=../a/b/c"])
    long = [f"key{n}={n}" for n in range(60)]
    assert name_run(long) != name_run([*long, "seed=2"])


@pytest.mark.parametrize(
    ("sweep", "problem"),
    [
        (["model=tfidf,bret"], "Could not find 'model/bret'. Did you mean 'bert'?"),
        (["model.haed.C=1,2"], "Could not override 'model.haed.C'. Did you mean 'model.head.C'?"),
        (["seed=1,one"], "seed: found 'one', expected int."),
        (["seed=1,1"], "runs/seed=1: two runs of the sweep are the same. Name each value once."),
        (["seed=1,2", "output=a,b"], "output: found 'a,b', expected one folder for all runs."),
        (["model.head.C=interval(0,1)"], "BasicSweeper does not support sweep type"),
    ],
    ids=str,
)
def test_a_mistake_is_told_before_anything_runs(here: Path, sweep: list[str], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        run_jobs(sweep)
    assert problem in str(error.value)
    assert sorted(os.listdir(here)) == ["domains.yaml", "words.yaml"]


def test_each_run_has_a_folder_and_hydra_leaves_nothing(call: Call, here: Path, settings: list[str]) -> None:
    code, out, _ = call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    assert code == 0
    names = sorted(path.name for path in (here / "sweep").iterdir())
    assert [name.rpartition(",")[2][:6] for name in names] == ["seed=1", "seed=2"]
    assert all((here / "sweep" / name / "model" / "manifest.json").is_file() for name in names)
    assert {"outputs", "multirun", ".hydra"}.isdisjoint(os.listdir(here))
    assert not list(here.rglob(".hydra"))
    assert not list(here.rglob("multirun.yaml"))
    header, *rows = out.splitlines()
    assert header.split() == ["run", "f1_micro", "f1_macro"]
    assert [row.split()[0] for row in rows] == [f"sweep/{name}" for name in names]
    assert all(row.count("[") == 2 for row in rows)


def test_what_is_finished_is_not_run_again(call: Call, settings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    monkeypatch.setattr(run_module, "run", None)
    code, out, _ = call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    assert code == 0
    assert [row.endswith("finished before") for row in out.splitlines()[1:]] == [True, True]


def test_what_is_new_or_changed_is_run(call: Call, here: Path, settings: list[str]) -> None:
    call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    _, out, _ = call("train", "--multirun", "seed=1,2,3", "output=sweep", *settings)
    assert [row.endswith("finished before") for row in out.splitlines()[1:]] == [True, True, False]


def test_a_run_is_known_by_what_its_files_say_and_not_by_their_times(
    call: Call, here: Path, settings: list[str]
) -> None:
    call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    later, earlier = time.time() + 60, time.time() - 60
    os.utime(here / "words.yaml", (later, later))
    _, out, _ = call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    assert [row.endswith("finished before") for row in out.splitlines()[1:]] == [True, True]
    words = (here / "words.yaml").read_text(encoding="utf-8")
    (here / "words.yaml").write_text(words + "# another version\n", encoding="utf-8")
    os.utime(here / "words.yaml", (earlier, earlier))
    _, out, _ = call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    assert [row.endswith("finished before") for row in out.splitlines()[1:]] == [False, False]


def test_a_run_that_fails_is_one_line_and_the_others_are_finished(call: Call, here: Path, settings: list[str]) -> None:
    sweep = [*settings[:-1], "model.lexicon=nowhere.yaml,words.yaml"]
    code, out, err = call("train", "--multirun", "output=sweep", *sweep)
    assert code == 3
    failed, done = out.splitlines()[1:]
    assert failed.split()[1:] == ["failed"]
    assert done.count("[") == 2
    told = [line for line in err.splitlines() if line.startswith("tagger: sweep/")]
    assert len(told) == 1
    assert "nowhere.yaml" in told[0]
    assert "tagger: 1 of 2 runs failed." in err.splitlines()
    assert len(list((here / "sweep").iterdir())) == 1


def test_runs_in_processes_of_their_own_give_the_same(call: Call, here: Path, settings: list[str]) -> None:
    one = call("train", "--multirun", "seed=1,2", "output=sweep", *settings)
    two = call("train", "--multirun", "--jobs", "2", "seed=1,2", "output=other", *settings)
    assert (one[0], two[0]) == (0, 0)
    assert two[1] == one[1].replace("sweep/", "other/")
    assert {path.name for path in (here / "sweep").iterdir()} == {path.name for path in (here / "other").iterdir()}
    assert not list(here.rglob(".hydra"))


def test_a_run_is_no_place_for_several(call: Call, here: Path, settings: list[str]) -> None:
    assert call("train", "output=one", *settings)[0] == 0
    code, _, err = call("train", "--multirun", "seed=1,2", "output=one", *settings)
    assert code == 2
    assert err.splitlines()[-1].startswith("tagger: one: is a run itself, expected a folder for several.")


def test_a_sweep_without_multirun_is_told_how(call: Call, here: Path) -> None:
    code, _, err = call("train", "seed=1,2")
    assert code == 2
    assert err.splitlines()[-1].endswith("For one run of each value: tagger train --multirun.")
    assert sorted(os.listdir(here)) == ["a.txt", "domains.yaml", "words.yaml"]
