"""A proxy between client and server that does what networks do, by the throw of a seeded die."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What may befall a request; "before" and "after" are seen from what the server commits.
FAULTS = ("cut before", "cut after", "cut in the answer", "500 before", "500 after", "401", "slow", "twice")


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
        self._die, self._rate, self._faults = random.Random(0), 0.0, FAULTS
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def set(self, seed: int, rate: float, faults: tuple[str, ...] = FAULTS) -> None:
        """From now on a share of the requests fares badly, in a way that the seed decides."""
        with self._lock:
            self._die, self._rate, self._faults = random.Random(seed), rate, faults

    def throw(self) -> str:
        with self._lock:
            fault = self._die.choice(self._faults) if self._die.random() < self._rate else ""
            self.happened[fault] += bool(fault)
        return fault

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
            fault = proxy.throw()
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
            if fault == "cut after":
                self.close_connection = True
                return
            if fault == "500 after":
                status, answer = 500, b"<h1>Error</h1>"
            self._answer(status, answer, headers, cut=fault == "cut in the answer")

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
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
