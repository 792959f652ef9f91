"""On the path of a Python that must do without a network: what asks for one is refused, and told.

Loopback stays open, for what starts a server of its own.
"""

import sys
from typing import Any

_LOOPBACK = ("127.", "::1", "localhost")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):  # a path is a socket of this machine
        host = arguments[1][0]
    else:
        return
    if host is not None and not str(host).startswith(_LOOPBACK):
        sys.stderr.write(f"no network here: {event} {host}\n")
        raise OSError(f"no network here: {event} {host}")


sys.addaudithook(_refuse)
