"""What must work where there is no network: the small recipe of the BERT, trained on the corpus, and its model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.evaluation.runs import read_run

_ROOT = Path(__file__).resolve().parents[2]
_REFUSING = _ROOT / "tests" / "integration" / "no_network"
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def without_network() -> Call:
    """Runs Python with arguments in the checkout; whatever asks for a network fails."""

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(_REFUSING), str(_ROOT)))}
        return subprocess.run(
            [sys.executable, *arguments], cwd=_ROOT, env=environment, capture_output=True, encoding="utf-8", check=False
        )

    return call


def test_the_network_is_refused_here(without_network: Call) -> None:
    done = without_network("-c", "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)")
    assert done.returncode == 1
    assert "no network here: socket." in done.stderr


def test_the_small_recipe_trains_and_its_model_tags(without_network: Call, tmp_path: Path) -> None:
    # A tenth of the bulletins: the recipe as it is, in a minute or two.
    run, tagged = tmp_path / "quick", tmp_path / "tagged.jsonl"
    done = without_network(
        "-m", "tagger", "train", "model=bert", "experiment=bert_quick", "data.share=0.1", f"output={run}"
    )
    assert done.returncode == 0, done.stderr
    assert "no network here" not in done.stderr
    figures = read_run(run).figures()
    assert figures["f1_micro"] > 0.7
    done = without_network(
        "-m", "tagger", "predict", "--model", run / "model", "tagger/samples/bulletin.txt", "--format", "jsonl",
        "--output", tagged,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(json.loads(tagged.read_text(encoding="utf-8"))["domains"]) == {
        "traffic", "anti_fraud", "dog_management", "patrol", "service_window", "propaganda"
    }  # fmt: skip


def test_a_page_that_points_elsewhere_is_tagged_without_asking_there(without_network: Call, tmp_path: Path) -> None:
    page, shown = tmp_path / "page.html", tmp_path / "tagged.html"
    page.write_text(
        """<!DOCTYPE html SYSTEM "http://192.0.2.1/page.dtd"><html><head><meta charset="utf-8">
        <base href="http://192.0.2.1/"><link rel="stylesheet" href="style.css"><script src="//192.0.2.1/a.js"></script>
        </head><body><img src="http://192.0.2.1/a.png"><iframe src="http://192.0.2.1/"></iframe>
        <p>民警上路查处酒后驾驶违法行为十二起。</p></body></html>""",
        encoding="utf-8",
    )
    done = without_network("-m", "tagger", "predict", page, "--output", shown)
    assert (done.returncode, done.stderr) == (0, "")
    written = shown.read_text(encoding="utf-8")
    assert "查处酒后驾驶" in written
    assert "192.0.2.1" not in written
