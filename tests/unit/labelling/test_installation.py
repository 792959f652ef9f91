"""The server's environment: whole or made anew, by one at a time, and of the lock that this version brings.

What is installed here is a package of one script, from a file: a venv and pip do their real work,
and no network is asked.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.errors import LabellingError
from tagger.labelling import installation
from tagger.labelling.installation import alone, install

_SCRIPT = "import sys; from tagger.labelling import installation; from pathlib import Path\n" \
          "installation.project_path = lambda name: Path(sys.argv[2])\n" \
          "print(installation.install(Path(sys.argv[1])))"  # fmt: skip


def _wheel(folder: Path, version: str) -> Path:
    """A package `label-studio` whose program prints its version."""
    path, info = folder / f"label_studio-{version}-py3-none-any.whl", f"label_studio-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("server_of_tests.py", f"def main():\n    print({version!r})\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: label-studio\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\nlabel-studio = server_of_tests:main\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of one package, in place of the project's."""
    path = tmp_path / "server.lock"
    _pin(path, _wheel(tmp_path, "1.0"))
    monkeypatch.setattr(installation, "project_path", lambda name: path)
    return path


def _pin(lock: Path, wheel: Path) -> None:
    lock.write_text(f"{wheel.as_uri()} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")


def _says(program: str) -> str:
    return subprocess.run([program], capture_output=True, check=True, text=True).stdout.strip()


def test_it_is_installed_once_and_anew_for_another_lock(lock: Path, tmp_path: Path) -> None:
    environment = tmp_path / "home" / "env"
    program = install(environment)
    assert (program, _says(program)) == (str(environment / "bin" / "label-studio"), "1.0")
    made = (environment / "pyvenv.cfg").stat().st_mtime_ns
    assert install(environment) == program
    assert (environment / "pyvenv.cfg").stat().st_mtime_ns == made
    _pin(lock, _wheel(tmp_path, "2.0"))
    assert _says(install(environment)) == "2.0"


def test_a_file_that_is_not_the_locked_one_is_refused(lock: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "label_studio-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("put_in.py", "")
    with pytest.raises(LabellingError, match=r"install\.log: Label Studio could not be installed\. Its end says why"):
        install(tmp_path / "home" / "env")
    assert "DO NOT MATCH THE HASHES" in (tmp_path / "home" / "install.log").read_text(encoding="utf-8")
    assert not (tmp_path / "home" / "env" / "installed").exists()


def test_what_a_kill_cut_off_is_made_anew_after_the_installer_that_it_left_behind(
    lock: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    environment = tmp_path / "home" / "env"
    command = [sys.executable, "-c", _SCRIPT, str(environment), str(lock)]
    # A group of its own, so that only the one process is killed and its installer lives on.
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as killed:
        _wait_until((environment / "pyvenv.cfg").exists)
        killed.send_signal(signal.SIGKILL)
    with caplog.at_level(logging.WARNING):
        program = install(environment)
    assert f"{environment}: another command is making it; waiting for its end." in caplog.messages
    assert _says(program) == "1.0"


def test_two_at_once_install_once(lock: Path, tmp_path: Path) -> None:
    """Both find it held: on a busy machine one could else start when the other is done."""
    environment = tmp_path / "home" / "env"
    environment.parent.mkdir()
    command = [sys.executable, "-c", _SCRIPT, str(environment), str(lock)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    logs = [tmp_path / f"{number}.log" for number in range(2)]
    with alone(environment):
        pair = [_started(command, env, log) for log in logs]
        _wait_until(lambda: all("another command is making it" in log.read_text(encoding="utf-8") for log in logs))
    said = [one.communicate(timeout=120)[0] for one in pair]
    assert [out.decode().strip() for out in said] == [str(environment / "bin" / "label-studio")] * 2
    assert sum("Installing Label Studio" in log.read_text(encoding="utf-8") for log in logs) == 1


def _started(command: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stderr:
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=stderr)


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
