"""A Label Studio of one's own: installed once, seeded with one account, on loopback, without outside connections.

All of it is in one folder (`tagger.labelling.access.labels_home`): ``env`` the server's own
virtual environment, whose requirements clash with ours; ``data`` its SQLite database;
``access.json`` address, account and token, for the owner's eyes; ``server.log``. What is known of
the server is changed under one lock, that of ``data``: two on one database would spoil it.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tagger.errors import LabellingError, UsageError
from tagger.labelling.access import read_access_file, write_access_file
from tagger.labelling.installation import alone, install, installed

_log = logging.getLogger(__name__)
ACCOUNT = "tagger@localhost.localdomain"
DEFAULT_PORT = 8080
#: Not to report home, not to look for updates; a model backend and webhooks on this machine are wanted.
_SETTINGS = {
    "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
    "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
    "LABEL_STUDIO_SENTRY_DSN": "",
    "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP": "false",
    "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "false",
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "LABEL_STUDIO_DEBUG": "false",
}
#: Read by the server without a prefix too; they mean other things in most environments.
_FOREIGN = ("HOST", "PORT", "USERNAME", "PASSWORD", "DEBUG", "USER_TOKEN", "DJANGO_DB", "DATABASE_NAME", "LOG_LEVEL")
#: It takes five; a machine with ten other things to do has needed more than 180. One that ends is noticed at once.
_START_SECONDS = 600.0
#: The server waits for a line, and ends without one: see `_start`.
_GATE = 'read -r go && exec "$@" </dev/null'


def up(home: Path, *, port: int | None = None, executable: str | None = None) -> tuple[dict[str, Any], bool]:
    """Start the local server unless it runs.

    Parameters
    ----------
    home : Path
    port : int, optional
        In place of the one it had last, or of the first free one from 8080.
    executable : str, optional
        An installed ``label-studio``; else the one in ``home/env``, which is installed first.

    Returns
    -------
    dict
        ``url``, ``account``, ``password``, ``token``.
    bool
        Whether it had to be started. However many commands ask at once, one of them does.

    Raises
    ------
    LabellingError
        It cannot be installed, seeded or started.
    UsageError
        The port is taken.
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    access, started = read_access_file(home), False
    if not access or not _is_started(home, access):
        access, started = _start_alone(home, port, executable)
    if not started and port not in (None, access.get("port")):
        _log.warning("--port %d is not used: the server runs already. Run tagger labels down first.", port)
    _wait(home, access)  # it may be another command that started it, a moment ago
    return access, started


def _start_alone(home: Path, port: int | None, executable: str | None) -> tuple[dict[str, Any], bool]:
    """Start the server, unless another command did while this one waited for its turn."""
    with alone(home / "data") as held:
        access = read_access_file(home)
        if access and _is_started(home, access):
            return access, False
        program = executable or install(home / "env")
        access = _seeded(home, program, held)
        chosen = _free_port(port if port is not None else access.get("port"), asked=port is not None)
        known = {**access, "port": chosen, "url": f"http://127.0.0.1:{chosen}", "program": program}
        return _start(home, program, known), True


def down(home: Path) -> bool:
    """Stop the local server; whether it ran. Its data stay."""
    access = read_access_file(home.absolute())
    if not access or not _is_started(home.absolute(), access):
        return False
    pid = int(access["pid"])
    _signal(pid, signal.SIGTERM)
    for _ in range(100):
        if not _is_ours(pid, home.absolute()):
            return True
        time.sleep(0.1)
    _signal(pid, signal.SIGKILL)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    """Tell the server and all that it started; it may end by itself just now."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def install_program(home: Path) -> str:
    """Install the server's program without starting it; the path of the program.

    Raises
    ------
    LabellingError
        It cannot be installed, or a server runs from the one of another version that is there.
    """
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(home / "data"):
        access = read_access_file(home)
        return install(home / "env", in_use=access is not None and _is_started(home, access))


def add_account(home: Path, email: str, *, executable: str | None = None) -> dict[str, str]:
    """Make an annotator's account on the local server; ``account``, ``password`` and ``token``, kept for the owner too.

    Accounts made over the API have no password, so nobody could log in with them; the
    server's own command makes proper ones.

    Raises
    ------
    UsageError
        Not an address, or the account is there.
    LabellingError
        There is no local server, or its command fails.
    """
    home = home.absolute()
    _need_access(home)
    if email.count("@") != 1 or email.strip() != email:
        raise UsageError(f"found {email!r}, expected an address such as wang@example.com")
    with alone(home / "data") as held:
        access = _need_access(home)
        accounts = access.get("accounts", {})
        if email in accounts or email == access["account"]:
            raise UsageError(f"there is an account {email} already")
        made = _new_account(email)
        _run_init(executable or _program_for(home, access), home, made, held)
        write_access_file(home, {**access, "accounts": {**accounts, email: made}})
    return made


def _need_access(home: Path) -> dict[str, Any]:
    access = read_access_file(home)
    if access is None:
        raise LabellingError("no local server was made", where=home, hint="Start it with tagger labels up.")
    return access


def _program_for(home: Path, access: Mapping[str, Any]) -> str:
    """The program to change the database with: the running server's own, else the one of this version."""
    if not _is_started(home, access):
        return install(home / "env")
    program = access.get("program") or installed(home / "env")
    if program is None or not Path(program).exists():
        raise LabellingError(
            "a server runs, and the program that it was started with is not here", where=program or home / "env",
            hint="Run tagger labels down first, or name the program with --label-studio.",
        )  # fmt: skip
    return str(program)


def _new_account(email: str) -> dict[str, str]:
    return {"account": email, "password": secrets.token_urlsafe(12), "token": secrets.token_hex(20)}


def _seeded(home: Path, program: str, held: int) -> dict[str, Any]:
    """What is known of the database; an empty one with one account is made unless there is one."""
    access = read_access_file(home)
    if access is None or not (home / "data" / "seeded").exists():
        access = _seed(home, program, access, held)
    return access


def _seed(home: Path, program: str, old: Mapping[str, Any] | None, held: int) -> dict[str, Any]:
    """An empty database with one account; what was cut off is gone on with, under the same password."""
    _log.warning("Making the database; this takes one or two minutes, once.")
    account = {**_new_account(ACCOUNT), **{k: old[k] for k in ("account", "password", "token") if old and k in old}}
    access: dict[str, Any] = {"url": "", **account, "accounts": dict(old.get("accounts", {})) if old else {}}
    write_access_file(home, access)
    _run_init(program, home, account, held)
    (home / "data" / "seeded").touch()
    return access


def _run_init(program: str, home: Path, account: Mapping[str, str], held: int | None = None) -> None:
    """The server's own set-up; the token goes through the environment, where no process list shows it."""
    data = home / "data"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    variables = {
        "LABEL_STUDIO_USERNAME": account["account"],
        "LABEL_STUDIO_PASSWORD": account["password"],
        "LABEL_STUDIO_USER_TOKEN": account["token"],
    }
    with _open_log(home) as log:
        done = subprocess.run(
            [program, "init", "-q", "--enable-legacy-api-token"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=_environment(home, variables), pass_fds=() if held is None else (held,), check=False,
        )  # fmt: skip
    if done.returncode:
        raise LabellingError(
            "Label Studio could not be set up", where=home / "server.log", hint="The end of this file says why."
        )


def _start(home: Path, program: str, access: Mapping[str, Any]) -> dict[str, Any]:
    """Start the server on the port of ``access``; this and its process number, as they were written down.

    It is let go only then: where this command is killed in between, the line that the server waits
    for never comes and it ends, so that none runs that nobody knows. It inherits no lock.
    """
    command = ["/bin/sh", "-c", _GATE, "sh", program, "start", "--no-browser", "--internal-host", "127.0.0.1",
               "--port", str(access["port"]), "--data-dir", str(home / "data")]  # fmt: skip
    with _open_log(home) as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=_environment(home, {}),
            start_new_session=True, cwd=home, bufsize=0,
        )  # fmt: skip
    known = {**access, "pid": process.pid}
    with process.stdin as gate, suppress(BrokenPipeError):  # type: ignore[union-attr]
        write_access_file(home, known)
        gate.write(b"\n")
    return known


def _open_log(home: Path) -> Any:
    return os.fdopen(os.open(home / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items()
        if key not in _FOREIGN and not key.startswith(("LABEL_STUDIO", "DJANGO", "PYTHONPATH"))
    }  # fmt: skip
    return {**kept, **_SETTINGS, "LABEL_STUDIO_BASE_DATA_DIR": str(home / "data"), **more}


def _free_port(port: int | None, *, asked: bool) -> int:
    """A port to listen on. Label Studio itself would quietly take the next one."""
    if port is not None and _is_free(port):
        return port
    if asked:
        raise UsageError(f"port {port} is taken", where="--port", hint="Choose another, or leave it out.")
    free = next((n for n in range(DEFAULT_PORT, DEFAULT_PORT + 100) if _is_free(n)), None)
    if free is None:
        raise LabellingError(f"no free port from {DEFAULT_PORT} on", hint="Pass --port.")
    return free


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait(home: Path, access: Mapping[str, Any]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if _answers(access):
            return
        if not _is_ours(int(access["pid"]), home):
            raise LabellingError("Label Studio ended at once", where=home / "server.log", hint="Its end says why.")
        time.sleep(0.3)
    raise LabellingError(f"no answer within {_START_SECONDS:.0f} s", where=access["url"], hint="Look into server.log.")


def _is_started(home: Path, access: Mapping[str, Any]) -> bool:
    """Whether it runs, be it too young to answer."""
    return "pid" in access and _is_ours(int(access["pid"]), home)


def _answers(access: Mapping[str, Any]) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is behind no proxy
    try:
        with direct.open(f"{access['url']}/health", timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _is_ours(pid: int, home: Path) -> bool:
    """Whether the process is the server of this folder: numbers are used again after a restart of the machine."""
    with suppress(OSError):  # a child of this very process stays in the list until it is waited for
        os.waitpid(pid, os.WNOHANG)
    return os.fsencode(home / "data") in _command_line(pid)


def _command_line(pid: int) -> bytes:
    """What a process was started with; nothing where there is none of this number."""
    try:
        if Path("/proc/self").exists():  # a bare Debian has no ps
            return _command_line_of_linux(Path(f"/proc/{pid}"))
        return subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False).stdout
    except OSError:
        return b""


def _command_line_of_linux(process: Path) -> bytes:
    """Asked again while it is empty: it is for a moment whenever a program gives way to another, as a script does."""
    for _ in range(100):
        found = (process / "cmdline").read_bytes()
        state = (process / "stat").read_bytes().rpartition(b")")[2].split()[0]
        if found or state in b"ZX":  # that of the dead is empty for good
            return found
        time.sleep(0.01)
    return b""
