"""The minder: runs commands in order, keeps no secret, and lives no longer than its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tagger
from tagger.service.state import write_json

Mind = Callable[..., "subprocess.Popen[bytes]"]
SECRET = "canary0123456789"


def _python(code: str, *args: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, args)]


@pytest.fixture
def mind(tmp_path: Path) -> Mind:
    """Starts a minder of some commands."""

    def start(*commands: list[str]) -> subprocess.Popen[bytes]:
        job = {"commands": commands, "log": str(tmp_path / "log.txt"), "result": str(tmp_path / "result.json")}
        write_json(tmp_path / "job.json", job)
        environment = {**os.environ, "PYTHONPATH": str(Path(tagger.__file__).parents[1]),
                       "LABEL_STUDIO_API_KEY": SECRET}  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "tagger.service.minder", str(tmp_path / "job.json")],
            stdin=subprocess.PIPE, env=environment,
        )  # fmt: skip

    return start


def _result(folder: Path) -> Any:
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_commands_run_one_after_the_other(mind: Mind, tmp_path: Path) -> None:
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    with mind(*(_python(code, tmp_path / "out", i) for i in range(3))) as minder:
        assert minder.wait(60) == 0
    assert (tmp_path / "out").read_text() == "012"
    assert _result(tmp_path) == {"outcome": "done", "message": ""}


def test_the_first_that_fails_is_the_last_and_says_why(mind: Mind, tmp_path: Path) -> None:
    fail = "import sys; print('a'); print('tagger: no annotations.', file=sys.stderr); print(' '); sys.exit(3)"
    with mind(_python(fail), _python("import sys; open(sys.argv[1], 'w')", tmp_path / "out")) as minder:
        assert minder.wait(60) == 0
    assert _result(tmp_path) == {"outcome": "failed", "message": "tagger: no annotations.", "code": 3}
    assert not (tmp_path / "out").exists()


def test_a_command_that_is_not_there_leaves_no_result(mind: Mind, tmp_path: Path) -> None:
    with mind(["/nowhere/at/all"]) as minder:
        assert minder.wait(60) != 0
    assert not (tmp_path / "result.json").exists()


def test_what_commands_print_is_kept_without_secrets(mind: Mind, tmp_path: Path) -> None:
    leak = "import os; key = os.environ['LABEL_STUDIO_API_KEY']; print('key', key, key); raise ValueError(key)"
    with mind(_python(leak)) as minder:
        assert minder.wait(60) == 0
    assert "key *** ***" in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert _result(tmp_path)["message"] == "ValueError: ***"
    assert all(SECRET not in path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "nice"), reason="no priorities here")
def test_commands_run_at_a_low_priority(mind: Mind, tmp_path: Path) -> None:
    with mind(_python("import os, sys; open(sys.argv[1], 'w').write(str(os.nice(0)))", tmp_path / "out")) as minder:
        minder.wait(60)
    assert int((tmp_path / "out").read_text()) >= min(os.nice(0) + 10, 19)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
def test_when_the_parent_is_gone_everything_ends(mind: Mind, tmp_path: Path) -> None:
    """A child and a grandchild, which both would go on writing."""
    write = "import sys, time\nwhile True: open(sys.argv[1], 'a').write('.'); time.sleep(0.02)"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    out = tmp_path / "out"
    minder = mind(_python(parent, write, out))
    _wait_for(lambda: out.exists() and out.stat().st_size > 2)
    assert minder.stdin
    minder.stdin.close()  # as it is when the parent dies of whatever
    assert minder.wait(20) == 1
    time.sleep(0.2)
    size = out.stat().st_size
    time.sleep(0.3)
    assert out.stat().st_size == size
    assert not (tmp_path / "result.json").exists()


def test_a_second_one_in_the_folder_waits_for_the_first(mind: Mind, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    code = "import sys, time; open(sys.argv[1], 'a').write('a'); time.sleep(0.5); open(sys.argv[1], 'a').write('b')"
    minders = [mind(_python(code, tmp_path / "out")) for _ in range(2)]
    for minder in minders:
        with minder:
            assert minder.wait(60) == 0
    assert (tmp_path / "out").read_text() == "abab"


def _wait_for(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)
