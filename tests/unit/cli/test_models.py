"""`tagger models`: what ships, and what a model says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Call = Callable[..., tuple[int | str | None, str, str]]


def test_models_that_ship_are_listed_with_the_default_starred(call: Call) -> None:
    code, out, err = call("models", "list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert {line[2:].split()[0] for line in lines} >= {"lexicon", "tfidf", "bert"}
    assert [line[2:].split()[0] for line in lines if line.startswith("*")] == ["bert"]
    assert all("out-of-fold f1_micro 0." in line and " MB " in line for line in lines)


def test_a_model_is_shown_as_json(call: Call, lexicon_folder: Path) -> None:
    code, out, _ = call("models", "show", lexicon_folder)
    shown = json.loads(out)
    assert code == 0
    assert (shown["name"], shown["kind"], shown["format"], shown["normalizer_version"]) == ("words", "lexicon", 1, 1)
    assert shown["thresholds"] == {"traffic": 0.5, "patrol": 0.5, "propaganda": 0.5}
    assert set(shown["files"]) == {"README.md", "decision.json", "domains.json", "lexicon.json"}
    assert shown["config"] == {}


def test_a_trained_model_is_shown_with_its_training(call: Call, tfidf_folder: Path) -> None:
    shown = json.loads(call("models", "show", tfidf_folder)[1])
    assert (shown["kind"], shown["seed"], shown["data"]["n_texts"], shown["config"]) == ("tfidf", 1, 48, {"seed": 1})
