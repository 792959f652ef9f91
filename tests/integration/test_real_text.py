"""The shipped models on the five real bulletins, where they stand beside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tagger.models.storage import load_model
from tagger.training.measuring import measure

_SHARED = Path(os.environ.get("TAGGER_SHARED", Path(__file__).parents[3] / "shared"))
pytestmark = pytest.mark.skipif(
    not (_SHARED / "gold" / "seeds.jsonl").is_file(), reason="the real bulletins are not beside this checkout"
)


@pytest.mark.parametrize(
    ("model", "f1_micro", "f1_macro"), [("lexicon", 0.85, 0.80), ("tfidf", 0.90, 0.86), ("bert", 0.92, 0.91)]
)
def test_the_shipped_models_hold_their_floors(model: str, f1_micro: float, f1_macro: float) -> None:
    figures = measure(load_model(model), _SHARED / "gold" / "seeds.jsonl")["sentence"]
    assert figures["n_texts"] == 210
    assert figures["f1_micro"] >= f1_micro
    assert figures["f1_macro"] >= f1_macro


def test_all_five_are_tagged_with_one_command(tmp_path: Path) -> None:
    output = tmp_path / "tagged.jsonl"
    command = [sys.executable, "-m", "tagger", "predict", str(_SHARED / "bulletins"), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    bulletins = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [b["id"] for b in bulletins] == ["s000", "s001", "s002", "s003", "s004"]
    for bulletin in bulletins:
        original = Path(bulletin["source"]).read_bytes().decode("utf-8")
        for paragraph in bulletin["paragraphs"]:
            assert original[paragraph["start"] : paragraph["end"]] == paragraph["text"]
            for sentence in paragraph["sentences"]:
                assert original[sentence["start"] : sentence["end"]] == sentence["text"]
                assert not (sentence["noise"] and sentence["domains"])
        assert {"service_window", "propaganda"} <= set(bulletin["domains"])
