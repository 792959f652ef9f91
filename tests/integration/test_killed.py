"""``kill -9`` at random moments of a search and of a training: what was done is kept, and the end is the same.

``TAGGER_KILLS=30`` kills as often; without it a few times, to be quick.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.corpus.examples import Examples
from tagger.models.storage import load_model

_SCRIPT = Path(__file__).parent / "kill_and_resume.py"
_N_KILLS = int(os.environ.get("TAGGER_KILLS", "6"))
pytestmark = pytest.mark.timeout(200 + 60 * _N_KILLS)
_DOMAINS = "version: 1\ndomains:\n- {id: traffic}\n- {id: patrol}\n- {id: propaganda}\n"
_TFIDF_LIBRARIES = ["sklearn.svm", "rjieba", "tagger.cli.main", "tagger.models.tfidf", "tagger.training.run"]
_SEARCH_LIBRARIES = [*_TFIDF_LIBRARIES, "optuna.storages", "alembic.config", "tagger.training.search"]


@pytest.fixture
def settings(corpus_folder: Path, tmp_path: Path) -> list[str]:
    """Settings of a run on the small corpus."""
    (tmp_path / "domains.yaml").write_text(_DOMAINS)
    return [f"data.corpus={corpus_folder}", f"data.domains={tmp_path}/domains.yaml", "split.n_folds=2",
            "model.signals=[text,previous]", "output={output}"]  # fmt: skip


@pytest.fixture
def kill(tmp_path: Path, environment: dict[str, str]) -> Any:
    """Runs a command in rounds and kills it; gives the folders of the rounds, the unkilled one first."""

    def kill(arguments: list[str], imports: list[str], *, is_there: bool = False) -> list[Path]:
        folder = tmp_path / "rounds"
        folder.mkdir()
        told = {"arguments": arguments, "folder": str(folder), "n_kills": _N_KILLS, "seed": 20240719,
                "imports": imports, "is_there": is_there}  # fmt: skip
        # One thread: a process that forks may have no more.
        env = {**environment, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        done = subprocess.run([sys.executable, _SCRIPT], input=json.dumps(told), capture_output=True, text=True,
                              env=env, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)["kills"]
        assert sum(counts) == _N_KILLS
        rounds = [folder / f"round-{number}" for number in range(len(counts))]
        assert [sorted(path.name for path in round.iterdir()) for round in rounds] == [["run"]] * len(rounds)
        return [round / "run" for round in rounds]

    return kill


def _names(folder: Path) -> list[str]:
    """Everything in a folder, hidden things too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def _assert_same_model(one: Path, other: Path) -> None:
    left, right = (json.loads((model / "manifest.json").read_text()) for model in (one, other))
    assert left["files"] == right["files"]
    assert left["version"] == right["version"]


def _assert_same_scores(one: Path, other: Path) -> None:
    with np.load(one, allow_pickle=False) as left, np.load(other, allow_pickle=False) as right:
        assert set(left.files) == set(right.files)
        for name in left.files:
            np.testing.assert_array_equal(left[name], right[name])


def _trials(search: Path) -> list[tuple[Any, ...]]:
    """Number, state and value of every trial in the database."""
    with sqlite3.connect(search / "study.sqlite") as database:
        found = database.execute(
            "SELECT number, state, value FROM trials LEFT JOIN trial_values USING (trial_id) ORDER BY number"
        ).fetchall()
    database.close()
    return found


def _told(search: Path) -> list[dict[str, Any]]:
    trials = [json.loads(line) for line in (search / "trials.jsonl").read_text().splitlines()]
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in trials]


def test_a_search_that_is_killed_loses_no_trial_and_ends_the_same(kill: Any, settings: list[str]) -> None:
    search = ["search.n_trials=5", "search.startup_trials=2", "search.pruner_trials=2", "search.space.min_df.high=2"]
    whole, *killed = kill(["search", "model=tfidf", *settings, *search], _SEARCH_LIBRARIES)
    assert [number for number, _, _ in _trials(whole)] == list(range(5))
    for again in killed:
        assert _trials(again) == _trials(whole)
        assert _told(again) == _told(whole)
        assert _names(again) == _names(whole)
        assert os.readlink(again / "best") == os.readlink(whole / "best")
        _assert_same_model(again / "best" / "model", whole / "best" / "model")
        assert (again / "best.yaml").read_text() == (whole / "best.yaml").read_text()


def test_a_training_that_is_killed_leaves_the_old_run_or_the_new(
    kill: Any, settings: list[str], examples: Examples
) -> None:
    whole, *killed = kill(["train", "model=tfidf", *settings], _TFIDF_LIBRARIES, is_there=True)
    for again in killed:
        assert _names(again) == _names(whole)
        _assert_same_model(again / "model", whole / "model")
        _assert_same_scores(again / "out_of_fold.npz", whole / "out_of_fold.npz")
        load_model(again / "model").classifier.predict_proba(examples.texts)
