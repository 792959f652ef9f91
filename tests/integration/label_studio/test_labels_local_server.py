"""`tagger labels up, down, account` with the real server: on loopback, once, stopped for certain."""

from __future__ import annotations

import json
import re
import shutil
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.labelling import local_server
from tagger.labelling.access import read_access_file
from tagger.project import project_path

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def home(seed: Path, tmp_path: Path) -> Iterator[Path]:
    """A seeded server's folder of the test's own."""
    folder = tmp_path / "home"
    shutil.copytree(seed, folder)
    yield folder
    local_server.down(folder)


@pytest.fixture
def labels_at(program: str, home: Path, tmp_path: Path, environment: dict[str, str]) -> Callable[..., Any]:
    """Runs a command on this folder, with an environment that would mislead the server."""
    env = {**environment, "TAGGER_LABELS_HOME": str(home), "HOST": "http://example.com/x", "PORT": "1", "DEBUG": "1"}

    def call(*args: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tagger", "labels", *map(str, args)]
        if args[0] != "down":
            command += ["--label-studio", program]
        return subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False, encoding="utf-8")

    return call


def test_up_and_down(labels_at: Callable[..., Any], home: Path) -> None:
    port = _free_port()
    first = labels_at("up", "--port", port)
    assert (first.returncode, first.stdout) == (0, f"http://127.0.0.1:{port}\n"), first.stderr
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
        assert json.loads(answer.read()) == {"status": "UP"}
    assert labels_at("up").stdout == first.stdout
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((_own_address(), port), timeout=2)
    assert labels_at("down").stderr == "stopped\n"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    assert labels_at("down").stderr == "it did not run\n"


def test_a_port_that_is_taken_is_told_and_not_quietly_another(labels_at: Callable[..., Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = labels_at("up", "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "is taken. Choose another" in done.stderr


def test_an_account_is_made_once(labels_at: Callable[..., Any], home: Path) -> None:
    done = labels_at("account", "zhao@example.com")
    assert done.returncode == 0, done.stderr
    made = json.loads((home / "access.json").read_text(encoding="utf-8"))["accounts"]["zhao@example.com"]
    assert made["password"] not in done.stdout + done.stderr
    again = labels_at("account", "zhao@example.com")
    assert (again.returncode, "already" in again.stderr) == (2, True)
    assert labels_at("account", "nobody").returncode == 2


def test_one_that_is_starting_is_waited_for_and_not_started_twice(program: str, home: Path) -> None:
    port = _free_port()
    access = {**(read_access_file(home) or {}), "port": port, "url": f"http://127.0.0.1:{port}"}
    access = local_server._start(home, program, access)  # and there the command was cut off
    assert local_server.up(home, executable=program) == (access, False)
    assert local_server.down(home)


def test_the_lock_names_every_package_of_the_server(program: str) -> None:
    environment = Path(program).parents[1]
    if not (environment / "installed").exists():
        pytest.skip("LABEL_STUDIO_PROGRAM was not installed from the lock")
    command = [environment / "bin" / "python", "-m", "pip", "list", "--format", "json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    there = {(_name(row["name"]), row["version"]) for row in listed if row["name"] != "pip"}
    lock = project_path("labels/label-studio.lock").read_text(encoding="utf-8")
    locked = {(_name(name), version) for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)", lock)}
    assert there - locked == set()


def _name(package: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _own_address() -> str:
    """An address of this machine that is not loopback's usual one."""
    return "127.0.0.2"
