"""`tagger search`: what a person sees of it, and its exit codes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.cli import extras

Call = Callable[..., tuple[int | str | None, str, str]]
_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"


@pytest.fixture
def settings(tmp_path: Path, corpus_folder: Path) -> list[str]:
    """A search of one setting on the small corpus."""
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    others = ("loss", "positive_weight", "char_ngrams", "word_ngrams", "binary", "C")
    return ["model=tfidf", f"data.corpus={corpus_folder}", "data.domains=domains.yaml", "split.n_folds=2",
            "model.signals=[text]", "output=found", *(f"~search.space.{name}" for name in others)]  # fmt: skip


def test_it_tells_the_best_settings_and_how_to_use_them(
    call: Call, tmp_path: Path, settings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    code, out, err = call("search", "search.n_trials=2", "search.space.min_df.high=2", *settings)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "found  2 trials: 2 finished, 0 cut short, 0 failed"
    assert lines[1].startswith("best, trial ")
    assert lines[1].endswith("chosen by this figure, out of fold, thresholds of the same scores")
    assert lines[2].startswith("thresholds of other bulletins  f1_macro 0.")
    assert lines[3].startswith("corrected for the choice  f1_macro 0.")
    told = (tmp_path / "found" / "report.md").read_text(encoding="utf-8")
    assert "f1_macro of the same trial, thresholds of other bulletins: 0." in told
    assert any(line.startswith("  model.features.min_df=") for line in lines)
    assert lines[-1] == "again with tagger train experiment=found/best.yaml seed=2"
    assert sorted(path for path in os.listdir(tmp_path) if path not in ("a.txt", "domains.yaml")) == ["found"]
    assert "trial 2 of 2: model.features.min_df=" in caplog.text
    code, out, _ = call("train", "experiment=found/best.yaml", "seed=2", "output=again")
    assert (code, out.split()[0]) == (0, "again")


def test_a_failed_trial_is_told_by_the_exit_code(
    call: Call, settings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    choices = ["search.space.min_df.kind=categorical", "+search.space.min_df.choices=[1,2,99]"]
    code, out, _ = call("search", "search.sampler=random", "search.n_trials=6", *choices, *settings)
    n_failed = int(out.splitlines()[0].rpartition(" failed")[0].split()[-1])
    assert 0 < n_failed < 6
    assert code == 3
    assert caplog.text.count(" failed: training: ") == n_failed


def test_a_mistake_is_told_in_one_line(call: Call, tmp_path: Path) -> None:
    code, out, err = call("search", "model=tfidf", "search.metric=f1_marco")
    assert (code, out) == (2, "")
    assert err.splitlines() == ["tagger: search.metric: found 'f1_marco'. Did you mean 'f1_macro'?"]
    assert os.listdir(tmp_path) == ["a.txt"]


def test_without_its_extra_it_is_told_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "optuna" else object())
    code, _, err = call("search", "model=tfidf")
    assert code == 2
    told = "tagger search needs optuna, which is not installed. Install it with: pip install 'tagger[train]'"
    assert err == f"tagger: {told}\n"
