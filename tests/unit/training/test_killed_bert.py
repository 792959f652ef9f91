"""``kill -9`` at random moments of the training of a tiny BERT; see tests/integration/test_killed.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tagger

_ROOT = Path(tagger.__file__).parents[1]
_SCRIPT = Path(__file__).parents[2] / "integration" / "kill_and_resume.py"
_N_KILLS = int(os.environ.get("TAGGER_KILLS", "3"))
pytestmark = pytest.mark.timeout(200 + 60 * _N_KILLS)
_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"
_LIBRARIES = ["torch", "transformers", "transformers.trainer", "accelerate", "sklearn.linear_model",
              "tagger.cli.main", "tagger.training.bert", "tagger.training.run"]  # fmt: skip


def test_a_training_that_is_killed_goes_on_and_ends_the_same(
    tiny_encoder_folder: Path, corpus_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    (tmp_path / "rounds").mkdir()
    fine_tuning = {"epochs": 2, "batch_pieces": 200, "precision": "fp32", "learning_rate": 0.01, "head_start": 0}
    arguments = [
        "train", "model=bert", f"data.corpus={corpus_folder}", f"data.domains={tmp_path}/domains.yaml",
        "split.n_folds=2", f"model.encoder.name={tiny_encoder_folder}", "model.max_length=64",
        "model.signals=[text,previous]", "output={output}", "model.layers=null", "model.teacher_epochs=0",
        "model.refit_epochs=null", "model.scored_folds=null",
        *(f"model.fine_tuning.{name}={value}" for name, value in fine_tuning.items()),
    ]  # fmt: skip
    told = {"arguments": arguments, "folder": str(tmp_path / "rounds"), "n_kills": _N_KILLS, "seed": 20240720,
            "imports": _LIBRARIES, "is_there": False}  # fmt: skip
    # One thread: a process that forks may have no more.
    env = {**os.environ, "PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run([sys.executable, _SCRIPT], input=json.dumps(told), capture_output=True, text=True,
                          env=env, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["kills"]
    assert sum(counts) == _N_KILLS
    whole, *killed = [tmp_path / "rounds" / f"round-{number}" / "run" for number in range(len(counts))]
    for again in killed:
        assert [path.name for path in again.parent.iterdir()] == ["run"]
        assert _weights(again) == _weights(whole)
        with np.load(whole / "out_of_fold.npz") as left, np.load(again / "out_of_fold.npz") as right:
            np.testing.assert_array_equal(left["y_proba"], right["y_proba"])


def _weights(run: Path) -> dict[str, str]:
    """Checksum of every file of a model that scores depend on."""
    files = json.loads((run / "model" / "manifest.json").read_text())["files"]
    return {name: told["sha256"] for name, told in files.items() if name != "README.md"}
