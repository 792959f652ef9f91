"""A proxy between client and server that does what networks do, by the throw of a seeded die."""

from __future__ import annotations

import http.client
import random
import select
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What may befall a request; "before" and "after" are seen from what the server commits.
FAULTS = ("cut before", "cut after", "cut in the answer", "500 before", "500 after", "401", "slow", "twice")
#: The server commits and the answer comes when nobody waits for it any more. Each takes a client's whole time-out, so
#: these are not thrown for but counted out, and strike requests that write.
LATE = "late"
#: Seconds after which an answer that ought to be late is no longer kept back: its client's time-out is too long.
_LATEST = 30.0


class FaultyProxy:
    """Listens on a free port of loopback and forwards to one server.

    Parameters
    ----------
    upstream : str
        ``http://127.0.0.1:PORT``.
    """

    def __init__(self, upstream: str) -> None:
        host, port = upstream.removeprefix("http://").split(":")
        self.upstream = (host, int(port))
        self.happened: Counter[str] = Counter()
        self.n_given_up = 0  # late answers whose client had gone
        # What a client has given up on reaches the server before what it asks next.
        self.lane = threading.Lock()
        self._die, self._rate, self._faults, self._n_late = random.Random(0), 0.0, FAULTS, 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def set(self, seed: int, rate: float, faults: tuple[str, ...] = FAULTS, *, n_late: int = 0) -> None:
        """From now on a share of the requests fares badly, in a way that the seed decides.

        The next `n_late` requests that write are answered late.
        """
        with self._lock:
            self._die, self._rate, self._faults, self._n_late = random.Random(seed), rate, faults, n_late

    def throw(self, method: str) -> str:
        with self._lock:
            fault = self._die.choice(self._faults) if self._die.random() < self._rate else ""
            if self._n_late and method != "GET":
                fault, self._n_late = LATE, self._n_late - 1
            self.happened[fault] += bool(fault)
        return fault

    def has_given_up(self, connection: socket.socket) -> bool:
        """Wait until the client hangs up, and count it; False where it is still there after half a minute."""
        gone = bool(select.select([connection], [], [], _LATEST)[0]) and not connection.recv(1, socket.MSG_PEEK)
        with self._lock:
            self.n_given_up += gone
        return gone

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or head and body of an answer, sent apart, wait 40 ms for each other

        def log_message(self, *args: Any) -> None:
            pass

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fault = proxy.throw(self.command)
            if fault == "cut before":
                self.close_connection = True
                return
            if fault in ("500 before", "401"):
                self._answer(int(fault[:3]), b'{"detail": "Invalid token."}' if fault == "401" else b"<h1>Error</h1>")
                return
            if fault == "slow":
                time.sleep(0.2)
            status, headers, answer = self._forward(body)
            if fault == "twice":
                self._forward(body)
            if fault == "cut after" or (fault == LATE and proxy.has_given_up(self.connection)):
                self.close_connection = True
                return
            if fault == "500 after":
                status, answer = 500, b"<h1>Error</h1>"
            self._answer(status, answer, headers, cut=fault == "cut in the answer")

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            with proxy.lane:
                return self._send_on(body)

        def _send_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(*proxy.upstream, timeout=120)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
            connection.request(self.command, self.path, body=body, headers={**headers, "Connection": "close"})
            response = connection.getresponse()
            answer = response.read()
            connection.close()
            return response.status, {"Content-Type": response.getheader("Content-Type") or ""}, answer

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

    return Handler
