"""Which server, and its token: from options, the environment, or the file that only its owner can read.

The token is held by objects that do not show it, and no command writes it anywhere else.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tagger.errors import LabellingError, UsageError

URL_VARIABLE, TOKEN_VARIABLE, HOME_VARIABLE = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "TAGGER_LABELS_HOME"
_FILE = "access.json"


@dataclass(frozen=True)
class Access:
    """Address and token of a server; the token is in no representation."""

    url: str
    token: str = field(repr=False)


def labels_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the local server keeps its environment, its data and its token."""
    if environment.get(HOME_VARIABLE):
        return Path(environment[HOME_VARIABLE])
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "tagger" / "label-studio"


def find_access(url: str | None, token: str | None, environment: Mapping[str, str] = os.environ) -> Access:
    """The server that options name, else the environment, else the local one.

    Raises
    ------
    UsageError
        An address without a token, or an address or token that is none.
    LabellingError
        Nothing names a server and no local one was ever started.
    """
    url = url or environment.get(URL_VARIABLE) or None
    token = token or environment.get(TOKEN_VARIABLE) or None
    local = read_access_file(labels_home(environment))
    if local is not None and not local["url"]:  # an `up` that was cut off has made its database, and started nothing
        local = None
    if url is None and local is None:
        raise LabellingError(
            "no Label Studio is known",
            hint=f"Start one with tagger labels up, or set {URL_VARIABLE} and {TOKEN_VARIABLE}.",
        )  # fmt: skip
    if url is None or (local is not None and token is None and _same_server(url, local["url"])):
        return Access(local["url"], checked_token(token or local["token"]))  # type: ignore[index]
    if token is None:
        raise UsageError("no token for it", where=url, hint=f"Set {TOKEN_VARIABLE}.")
    return Access(checked_url(url), checked_token(token))


def checked_url(url: str) -> str:
    """The address without a closing slash; anything but an http address is a `UsageError`."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"found {url!r}, expected an address such as http://127.0.0.1:8080", where="--url")
    if "@" in parts.netloc:
        raise UsageError("the address holds a user name or password", where="--url", hint="Give a token instead.")
    return url.strip().rstrip("/")


def checked_token(token: str) -> str:
    """The token without the line end that came with it from a file; what no header can carry is a `UsageError`.

    Sent all the same, such a token would look like a server that does not answer. It is never quoted.
    """
    token = token.strip()
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise UsageError(
            "found spaces, line ends or letters that are in no token", where=f"{TOKEN_VARIABLE} or --api-key",
            hint="Copy it anew from Account & Settings in Label Studio.",
        )  # fmt: skip
    return token


def _same_server(one: str, other: str) -> bool:
    return one.strip().rstrip("/") == other.rstrip("/")


def read_access_file(home: Path) -> dict[str, Any] | None:
    """What `write_access_file` wrote, or None.

    Raises
    ------
    LabellingError
        Others can read the file, or it is damaged.
    """
    path = home / _FILE
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise LabellingError(
                "others can read the token in it, expected mode 600", where=path, hint=f"Run chmod 600 {path}."
            )
        found = json.loads(path.read_text(encoding="utf-8"))
        return {**found, "url": str(found["url"]), "token": str(found["token"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabellingError(
            f"not an access file ({type(error).__name__})", where=path, hint="Remove it and run tagger labels up."
        ) from None


def write_access_file(home: Path, access: Mapping[str, Any]) -> Path:
    """Write ``url``, ``token`` and what else belongs to them, readable by the owner alone from the first byte on."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, temporary = home / _FILE, home / f".{_FILE}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(dict(access), file, ensure_ascii=False, indent=1)
        file.write("\n")
    os.replace(temporary, path)
    return path
