"""Commands on one local server at once, or cut off: one server, no account lost, and no program taken away.

What is started is a stand-in of one page: these tests are about locks and processes. The real
server is in ``tests/integration/label_studio``.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tagger.errors import LabellingError, UsageError
from tagger.labelling import installation, local_server
from tagger.labelling.access import read_access_file, write_access_file

_STAND_IN = """
import http.server, os, sys, time

log = os.open(os.environ["LABEL_STUDIO_BASE_DATA_DIR"] + "/../said.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(log, f"{sys.argv[1]} {os.getpid()}\\n".encode())
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
if sys.argv[1] == "init":
    time.sleep(0.5)
else:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    http.server.HTTPServer(("127.0.0.1", port), Page).serve_forever()
"""

#: `labels up`, killed in the moment in which the server's process is there and its number not yet written down.
_KILLED = """
import os, signal, sys
from pathlib import Path
from tagger.labelling import local_server

def write(home, access, real=local_server.write_access_file):
    if "pid" in access:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(home, access)

local_server.write_access_file = write
local_server.up(Path(sys.argv[1]), executable=sys.argv[2])
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The server's folder; whatever was started in it is ended."""
    folder = tmp_path / "home"
    yield folder
    for pid in _started(folder):
        if local_server._is_ours(pid, folder):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A stand-in for the server's program, not in ``home/env``."""
    return _make_program(tmp_path / "label-studio")


def _make_program(path: Path) -> str:
    source = path.with_name("stand_in.py")
    source.write_text(_STAND_IN, encoding="utf-8")
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{source}" "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _said(home: Path) -> list[list[str]]:
    """Command and process number of every call of the stand-in."""
    path = home / "said.log"
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _started(home: Path) -> list[int]:
    return [int(pid) for command, pid in _said(home) if command == "start"]


@pytest.fixture
def old_program(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The program in ``home/env`` as an earlier version installed it, which had another lock."""
    (home / "env" / "bin").mkdir(parents=True)
    (home / "env" / "bin" / "python").symlink_to(sys.executable)
    (home / "env" / "installed").write_text("of another lock", encoding="ascii")
    (tmp_path / "new.lock").write_text("label-studio-that-no-registry-has @ file:///nowhere\n", encoding="utf-8")
    monkeypatch.setattr(installation, "project_path", lambda name: tmp_path / "new.lock")
    return _make_program(home / "env" / "bin" / "label-studio")


@pytest.mark.parametrize("recorded", [True, False], ids=["of this version", "started by an earlier one"])
def test_an_account_after_an_upgrade_leaves_the_running_server_its_program(
    home: Path, old_program: str, *, recorded: bool
) -> None:
    access, _ = local_server.up(home, executable=old_program)
    if not recorded:
        write_access_file(home, {key: value for key, value in access.items() if key != "program"})
    made = local_server.add_account(home, "wang@example.com")
    assert (home / "env" / "installed").read_text(encoding="ascii") == "of another lock"
    assert [command for command, _ in _said(home)] == ["init", "start", "init"]
    assert (read_access_file(home) or {})["accounts"] == {"wang@example.com": made}
    assert local_server.up(home)[1] is False


def test_an_account_is_made_with_the_program_that_runs(home: Path, program: str) -> None:
    """It was started with --label-studio; nothing is installed beside it."""
    local_server.up(home, executable=program)
    local_server.add_account(home, "wang@example.com")
    assert not (home / "env").exists()
    Path(program).unlink()
    with pytest.raises(LabellingError, match=r"was started with is not here\. Run tagger labels down first"):
        local_server.add_account(home, "zhao@example.com")
    assert list((read_access_file(home) or {})["accounts"]) == ["wang@example.com"]


def test_nothing_is_installed_over_a_running_server(home: Path, old_program: str) -> None:
    local_server.up(home, executable=old_program)
    with pytest.raises(LabellingError, match=r"not of the version .* Run tagger labels down first"):
        local_server.install_program(home)
    assert Path(old_program).exists()
    assert local_server.down(home)
    with pytest.raises(LabellingError, match="could not be installed"):  # it is tried: this lock names nothing
        local_server.install_program(home)


def test_of_two_accounts_made_at_once_both_are_kept(home: Path, program: str) -> None:
    local_server.up(home, executable=program)
    emails = ["wang@example.com", "zhao@example.com"]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda email: local_server.add_account(home, email, executable=program), emails))
    assert (read_access_file(home) or {})["accounts"] == dict(zip(emails, made, strict=True))


def test_an_account_is_made_once_by_two_at_once(home: Path, program: str) -> None:
    local_server.up(home, executable=program)
    with ThreadPoolExecutor(2) as pool:
        pair = [pool.submit(local_server.add_account, home, "wang@example.com", executable=program) for _ in range(2)]
    told = [one.exception() for one in pair]
    assert [type(one) for one in told if one] == [UsageError]
    assert [command for command, _ in _said(home)].count("init") == 2  # the server's own account, and this one


def test_of_three_that_start_it_at_once_one_does(home: Path, program: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda _: local_server.up(home, executable=program), range(3)))
    assert sorted(started for _, started in told) == [False, False, True]
    assert [access for access, _ in told] == [read_access_file(home)] * 3
    assert _started(home) == [told[0][0]["pid"]]


def test_the_server_holds_no_lock(home: Path, program: str) -> None:
    access, _ = local_server.up(home, executable=program)
    with (home / ".data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert local_server._is_started(home, access)


def test_a_kill_while_it_starts_leaves_no_server_that_nobody_knows(home: Path, program: str) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(home), program], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert "pid" not in json.loads((home / "access.json").read_text(encoding="utf-8"))
    access, started = local_server.up(home, executable=program)
    assert started
    assert _started(home) == [access["pid"]]


def test_what_cannot_be_written_down_does_not_run(home: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(folder: Path, access: dict[str, object]) -> Path:
        if "pid" in access:
            raise OSError(28, "No space left on device")
        return write_access_file(folder, access)

    monkeypatch.setattr(local_server, "write_access_file", write)
    with pytest.raises(OSError, match="No space left"):
        local_server.up(home, executable=program)
    monkeypatch.undo()
    access, _ = local_server.up(home, executable=program)
    assert _started(home) == [access["pid"]]


def test_accounts_outlive_a_database_that_is_set_up_again(home: Path, program: str) -> None:
    local_server.up(home, executable=program)
    made = local_server.add_account(home, "wang@example.com")
    assert local_server.down(home)
    (home / "data" / "seeded").unlink()
    assert local_server.up(home, executable=program)[0]["accounts"] == {"wang@example.com": made}


@pytest.mark.parametrize("lingers", [False, True], ids=["at the first signal", "at the last"])
def test_one_that_ends_by_itself_while_it_is_stopped_is_no_error(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, lingers: bool
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as gone:
        gone.wait()
    write_access_file(home, {"url": "http://127.0.0.1:9", "token": "x", "pid": gone.pid})
    monkeypatch.setattr(local_server, "_is_started", lambda folder, access: True)  # as it was a moment ago
    monkeypatch.setattr(local_server, "_is_ours", lambda pid, folder: lingers)
    monkeypatch.setattr(local_server.time, "sleep", lambda seconds: None)
    assert local_server.down(home)


def test_a_server_that_gives_way_to_another_program_is_not_taken_for_ended(tmp_path: Path) -> None:
    """As the shell does to the server, and a script to its interpreter; here without end."""
    script = tmp_path / "again"
    script.write_text('#!/bin/sh\nexec "$0" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    with subprocess.Popen([script, tmp_path / "data"], start_new_session=True) as process:
        seen = [local_server._is_ours(process.pid, tmp_path) for _ in range(3000)]
        process.kill()
    assert all(seen)
    assert not local_server._is_ours(process.pid, tmp_path)


def test_a_port_that_changes_nothing_is_told(home: Path, program: str, caplog: pytest.LogCaptureFixture) -> None:
    access, _ = local_server.up(home, executable=program)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert local_server.up(home, port=access["port"], executable=program) == (access, False)
        assert caplog.messages == []
        other = _free_port()
        assert local_server.up(home, port=other, executable=program) == (access, False)
    assert caplog.messages == [
        f"--port {other} is not used: the server runs already. Run tagger labels down first."
    ]  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
