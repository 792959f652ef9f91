"""Whether the hub of Hugging Face can be reached, told within a second.

Its libraries wait for minutes where a network swallows what is sent. A core room: imports nothing of ours.
"""

from __future__ import annotations

import os
import socket
import threading
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

#: Seconds to find out whether there is a network.
_REACH = 1.0


def is_offline(*variables: str) -> bool:
    """Whether one of these environment variables forbids the network, in the spellings that the libraries take."""
    return any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in variables)


def hub_host() -> str | None:
    """The host that stands for the hub: that of ``HF_ENDPOINT`` if it is set; None where it names none."""
    return _endpoint().hostname


def is_hub_reachable() -> bool:
    """Whether the hub, or the proxy before it, takes a connection; known within a second."""
    endpoint = _endpoint()
    return _takes_connection(first_hop(endpoint.scheme, endpoint.netloc))


def first_hop(scheme: str, address: str) -> tuple[str, int]:
    """Host and port to connect to: the proxy's if there is one.

    Parameters
    ----------
    scheme : {"http", "https"}
    address : str
        ``host`` or ``host:port``.
    """
    proxy = getproxies().get(scheme)
    if proxy and not proxy_bypass(address):
        scheme, address = urlsplit(proxy)[:2]
    host = urlsplit(f"//{address}")
    return host.hostname or "", host.port or (443 if scheme == "https" else 80)


def _endpoint() -> SplitResult:
    return urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")


def _takes_connection(address: tuple[str, int]) -> bool:
    """In a thread of its own: looking up a name heeds no time limit."""
    connected = []

    def connect() -> None:
        try:
            socket.create_connection(address, timeout=_REACH).close()
            connected.append(True)
        except (OSError, UnicodeError):  # of a host name that cannot be one
            pass

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_REACH)
    return bool(connected)
