"""`tagger train`: a model from a corpus, and runs that cannot be made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int | str | None, str, str]]

_DOMAINS = "version: 1\ndomains:\n  - {id: traffic}\n  - {id: patrol}\n  - {id: propaganda}\n"


@pytest.fixture
def data(tmp_path: Path, corpus_folder: Path) -> list[str]:
    """Settings that name the small corpus and its three domains."""
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    return [f"data.corpus={corpus_folder}", "data.domains=domains.yaml"]


def test_a_lexicon_becomes_a_model_that_the_corpus_only_measures(call: Call, tmp_path: Path, data: list[str]) -> None:
    rows = (("traffic", "酒驾"), ("patrol", "巡逻"), ("propaganda", "宣传"))
    words = "".join(f"{id}:\n  words: [{word}]\n" for id, word in rows)
    (tmp_path / "words.yaml").write_text(words, encoding="utf-8")
    code, out, _ = call("train", "model=lexicon", "model.lexicon=words.yaml", "output=words", *data)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["words", "f1_micro", "f1_macro"]
    assert json.loads((tmp_path / "words" / "model" / "lexicon.json").read_text())["words"] == [
        ["酒驾"],
        ["巡逻"],
        ["宣传"],
    ]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["split.n_folds=9"], "training: 9 folds of 8 groups: expected 2 to 8. More bulletins or fewer folds."),
        (["split.n_folds=1"], "training: 1 folds of 8 groups: expected 2 to 8. More bulletins or fewer folds."),
        (["model.signals=[text,leadin]"], "model: signals ['text', 'leadin']: expected text, then some of"),
        (["model.features.min_df=99"], "training: "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_run_that_cannot_be_made_is_told_in_one_line(
    call: Call, tmp_path: Path, data: list[str], settings: list[str], problem: str
) -> None:
    code, out, err = call("train", "output=mine", *data, *settings)
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if line.startswith("tagger: ")]
    assert len(told) == 1
    assert told[0].startswith(f"tagger: {problem}")
    assert not (tmp_path / "mine").exists()


def test_a_folder_of_something_else_is_never_trained_over(call: Call, tmp_path: Path, data: list[str]) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "draft.txt").write_text("mine")
    code, _, err = call("train", "output=thesis", "split.n_folds=2", *data)
    assert code == 1
    assert err.splitlines() == ["tagger: thesis: holds draft.txt, which is no part of a run. Choose another output."]
    assert (tmp_path / "thesis" / "draft.txt").read_text() == "mine"
