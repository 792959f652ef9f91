"""Ctrl-C in the middle of a push: it says what to do, and the next push goes on from there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(900)
_N = 1500


def test_an_interrupted_push_says_so_and_the_next_one_goes_on(
    labels: Callable[..., Any], running: Any, tmp_path: Path, environment: dict[str, str], lexicon_folder: Path,
    domains_file: Path,
) -> None:  # fmt: skip
    project = ("--project", "interrupted")
    (tmp_path / "a.txt").write_text("".join(f"民警在第{i}号卡口夜间巡逻。\n" for i in range(_N)), encoding="utf-8")
    labels("init", *project, "--domains", domains_file)
    push = ("push", "a.txt", "--model", lexicon_folder, *project)
    process = subprocess.Popen(
        [sys.executable, "-m", "tagger", "-v", "labels", *map(str, push)], cwd=tmp_path, encoding="utf-8",
        env={**environment, "LABEL_STUDIO_URL": running.url, "LABEL_STUDIO_API_KEY": running.token},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A shell that runs the tests in the background has Ctrl-C ignored, and so would the push.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stderr is not None
    while "new tasks sent" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=300)
    assert (process.returncode, printed) == (130, "")
    assert said.endswith("tagger: interrupted. Push again: what is done is not done twice.\n")
    assert "Traceback" not in said
    n_new, n_same = (int(part.split()[0]) for part in labels(*push).stdout.split(", ")[::2][:2])
    assert n_new + n_same == _N
    assert n_same >= 250
    assert labels(*push).stdout == (
        f"0 new, 0 changed, {_N} as they were, 0 pre-annotated anew, 0 removed; 0 writing requests\n"
    )
