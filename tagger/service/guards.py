"""What stands before every route: who may ask, how much may come in, what a browser may do with an answer."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import time
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
#: Paths that need no password: one says only that the service is alive, the other is called by
#: webhooks, which Label Studio makes without credentials, and starts no more than one training.
_OPEN = frozenset({"/health", "/label-studio/webhook"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy":
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}  # fmt: skip


@dataclass(frozen=True)
class Credentials:
    """A user and a password; never shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(...)"

    def admit(self, header: str) -> bool:
        """Whether an ``Authorization`` header carries them; takes as long for a near miss as for a far one."""
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{self.user}:{self.password}".encode())


class Guard:
    """ASGI middleware: host names, basic auth, size of bodies, headers of answers, one line of log a request.

    Parameters
    ----------
    app : ASGI application
    credentials : Credentials, optional
        Without them everybody who reaches the port may ask.
    hosts : frozenset of str
        Names that a request may call this server by; empty for any. On a loopback address
        they keep a web page from reaching it under a name of its own (DNS rebinding).
    max_body : int
        Largest body, in bytes.
    """

    def __init__(
        self, app: ASGIApp, *, credentials: Credentials | None = None, hosts: frozenset[str] = frozenset(),
        max_body: int = 40 << 20,
    ) -> None:  # fmt: skip
        self._app, self._credentials, self._hosts, self._max_body = app, credentials, hosts, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, answer)
        else:
            await self._app(scope, _bounded(receive, self._max_body), answer)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if self._hosts and _host_name(headers.get("host", "")) not in self._hosts:
            return _refuse(421, f"unknown host, expected one of {', '.join(sorted(self._hosts))}")
        if self._credentials and scope["path"] not in _OPEN and not self._is_admitted(headers):
            response = _refuse(401, "user and password needed")
            response.headers["WWW-Authenticate"] = 'Basic realm="tagger", charset="UTF-8"'
            return response
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_body:
            return _refuse(413, too_large(self._max_body))
        return None

    def _is_admitted(self, headers: Headers) -> bool:
        assert self._credentials is not None
        return self._credentials.admit(headers.get("authorization", ""))


def too_large(max_body: int) -> str:
    """What a request that is too large is told."""
    return f"request larger than {max_body >> 20} MiB. Send fewer documents or records at a time."


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message, "kind": "Refused"}, status)


def _bounded(receive: Receive, max_body: int) -> Receive:
    """The same body, cut off by an error where it grows too large, whatever its header said."""
    n_received = 0

    async def receive_within() -> Message:
        nonlocal n_received
        message = await receive()
        n_received += len(message.get("body", b""))
        if n_received > max_body:
            raise HTTPException(413, too_large(max_body))
        return message

    return receive_within


def _host_name(host: str) -> str:
    """``[::1]:9090`` and ``localhost:9090`` without the port."""
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    return name.lower()


class _Answer:
    """Sends on, with our headers, and logs method, path, status and time: no query, header or body."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._started, self._status = time.perf_counter(), 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            took = (time.perf_counter() - self._started) * 1000
            log.info("%s %s %d %.0f ms", self._scope["method"], self._scope["path"], self._status, took)
