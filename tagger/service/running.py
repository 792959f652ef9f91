"""Running the service: its socket, its logs, its end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import UsageError
from tagger.models.storage import DEFAULT, load_model
from tagger.service.app import make_app
from tagger.service.duty import Duty
from tagger.service.guards import Credentials
from tagger.service.plan import label_studio_plan
from tagger.service.retraining import Gate, Retrainer
from tagger.service.workplace import Workplace

log = logging.getLogger(__name__)
PASSWORD = "TAGGER_BASIC_AUTH"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
#: Seconds that requests under way get to finish when the service is asked to stop.
_PATIENCE = 10


@dataclass(frozen=True)
class Settings:
    """What `tagger serve` is told.

    Attributes
    ----------
    host, port : str, int
        Port 0 for any that is free.
    model : str
        Name or folder.
    models : Path or None
        Folder of retrained models; None for a service that does not retrain.
    basic_auth : Path or None
        File with ``USER:PASSWORD``; None for the variable ``TAGGER_BASIC_AUTH``, if it is set.
    train : tuple of str
        Settings of ``tagger train`` for retraining.
    margin : float
        Points of F1 that a retrained model may lose; 100 to have any serve.
    serving : int or None
        The retraining whose model serves, 0 for `model`; None for the one that did.
    """

    host: str = "127.0.0.1"
    port: int = 9090
    model: str = DEFAULT
    models: Path | None = None
    basic_auth: Path | None = None
    train: tuple[str, ...] = ()
    margin: float = 2.0
    serving: int | None = None


def serve(settings: Settings) -> None:
    """Serve until a signal asks to stop.

    Raises
    ------
    TaggerError
        A model, folder, password file or port that cannot be used.
    """
    import uvicorn

    credentials = read_credentials(settings.basic_auth)
    listening = open_socket(settings.host, settings.port)
    place = _workplace(settings)
    is_local = settings.host in _LOOPBACK | {"::1"}
    app = make_app(place, credentials=credentials, hosts=_LOOPBACK if is_local else frozenset())
    address = f"http://{_shown(settings.host)}:{listening.getsockname()[1]}"
    log.info("serving %s on %s", place.describe_model()["model_version"], address)
    log.info("page: %s/ · REST: %s/openapi.json · Label Studio ML backend: %s/label-studio", address, address, address)
    if credentials is None and not is_local:
        log.warning("anybody who reaches %s can ask; give --basic-auth to keep strangers out", address)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_PATIENCE
    )
    with signals_end_well():
        uvicorn.Server(config).run(sockets=[listening])
    log.info("stopped")


@contextmanager
def signals_end_well() -> Iterator[None]:
    """uvicorn stops at a signal and then sends it to itself once more, which would end us with an error."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda *_: None) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _workplace(settings: Settings) -> Workplace:
    duty = Duty(load_model(settings.model))
    if settings.models is None:
        return Workplace(duty)
    folder = settings.models.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made ({error.strerror})", where=f"--models {settings.models}") from None
    gate = Gate(settings.model, settings.margin) if settings.margin < 100 else None
    retrainer = Retrainer(folder, duty, lambda job, own: label_studio_plan(job, own, settings.train), gate)
    if settings.serving is not None:
        retrainer.choose(settings.serving)
    return Workplace(duty, retrainer)


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    UsageError
        The address is not ours, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError, UnicodeError) as error:
        code = getattr(error, "errno", None)
        # Not its strerror: that names the address a second time. Errors of look-ups have codes below 0.
        reason = os.strerror(code) if code and code > 0 else getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen ({reason})", where=f"{host}:{port}", hint="Choose another --port.") from None
    listening.setblocking(False)
    return listening


def read_credentials(path: Path | None) -> Credentials | None:
    """User and password from a file or from the environment; None where neither is given.

    Not from the command line, which every user of the machine can see.

    Raises
    ------
    UsageError
        The file cannot be read, or what is given is not ``USER:PASSWORD``; says nothing of it.
    """
    where = f"--basic-auth {path}" if path else PASSWORD
    text = os.environ.get(PASSWORD) if path is None else _read_secret(path)
    if text is None:
        return None
    user, colon, password = text.strip("\r\n").partition(":")
    if not (user and colon and password) or "\n" in password:
        raise UsageError("found something else, expected one line USER:PASSWORD", where=where)
    return Credentials(user, password)


def _read_secret(path: Path) -> str:
    where = f"--basic-auth {path}"
    try:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            log.warning("%s: other users can read it; chmod 600 it", path)
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageError(f"cannot be read ({reason})", where=where, hint="Give a file with USER:PASSWORD.") from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
