"""`tagger predict --ask`, as it is called from a shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagger.domains import DomainSet
from tagger.models.selective import Selective
from tagger.models.storage import Model, save_model

Call = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture
def asking_folder(tmp_path: Path, lexicon: Model, domains: DomainSet) -> Path:
    """A lexicon model with bounds: sure from 0.7, asking from 0.4."""
    selective = Selective(np.array([[0.4, 0.7]] * 3), 0.95, 0.95, 0.1, (50, 50, 50), 30)
    folder = tmp_path / "asking"
    save_model(folder, lexicon.classifier, domains, lexicon.thresholds, config={}, selective=selective)
    return folder


def test_a_bulletin_is_answered_yes_no_or_asked(call: Call, asking_folder: Path) -> None:
    Path("b.txt").write_text("民警巡逻。发放宣传单，举办讲座。", encoding="utf-8")
    code, out, err = call("predict", "b.txt", "--model", asking_folder, "--ask", "--format", "jsonl")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert (data["domains"], data["ask"]) == ({"propaganda": 0.75}, {"patrol": 0.5})


def test_a_model_without_bounds_is_told_in_one_line(call: Call, lexicon_folder: Path) -> None:
    Path("b.txt").write_text("民警巡逻。", encoding="utf-8")
    code, out, err = call("predict", "b.txt", "--model", lexicon_folder, "--ask", "-o", "o.jsonl")
    assert (code, out) == (1, "")
    assert err.startswith("tagger: model words: has no bounds for answers that ask a person, expected selective.json. ")
    assert err.count("\n") == 1
    assert not Path("o.jsonl").exists()


def test_one_threshold_and_two_bounds_do_not_go_together(call: Call, asking_folder: Path) -> None:
    code, out, err = call("predict", "b.txt", "--model", asking_folder, "--ask", "--threshold", "0.5")
    assert (code, out) == (2, "")
    assert err == "tagger: --ask: found with --threshold, but it answers by the model's own two bounds. " \
                  "Leave one of them out.\n"  # fmt: skip
