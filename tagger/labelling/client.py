"""A Label Studio server, as far as this project talks to it: one place for tokens, retries and errors.

The SDK does the authentication (legacy tokens, and personal access tokens, which it refreshes)
and the transport. Its typed methods are passed by: they parse every task into a model of its
own, which costs more than the server does, and they repeat POST requests after a time-out,
which doubles tasks.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tagger.errors import ConnectionLostError, LabellingError

if TYPE_CHECKING:
    import httpx

    from tagger.labelling.access import Access

_log = logging.getLogger(__name__)
#: Seconds before a reading request is repeated.
_PAUSES = (0.2, 0.5, 1.0, 2.0)
#: Answers of a server, or of what stands before it, that a later attempt may mend.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_PAGE = 1000
#: Seconds; an import of 500 tasks takes one, an export of 20,000 half a minute.
TIMEOUT = 120.0


class LabelStudioServer:
    """Requests to one server with one token.

    Reading requests are repeated when the connection breaks; writing ones never, because
    nobody knows whether a request that broke off was carried out. Who writes must look
    again (`tagger.labelling.push`).

    Parameters
    ----------
    access : Access
        Address and token.
    timeout : float
        Seconds that one request may take.

    Attributes
    ----------
    url : str
    n_writes : int
        Writing requests that were sent.
    """

    def __init__(self, access: Access, *, timeout: float = TIMEOUT) -> None:
        self.url = access.url
        self.n_writes = 0
        self._transport = _transport(access, timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer to a reading request, repeated while the connection breaks.

        Raises
        ------
        ConnectionLostError
            It breaks every time.
        LabellingError
            The server refuses.
        """
        return _json(self._read(path, params), path)

    def download(self, path: str, **params: Any) -> bytes:
        """The whole answer to a reading request, undecoded."""
        return self._read(path, params).content

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """The answers for page 1, 2, … of a listing; a page after the last would be an error 404."""
        number, size, seen = 1, int(params.pop("page_size", _PAGE)), 0
        while True:
            page = self.get(path, page=number, page_size=size, **params)
            rows, total = self._rows(page, path)
            yield page
            seen += len(rows)
            if len(rows) < size or seen >= total:
                return
            number += 1

    def _rows(self, page: Any, path: str) -> tuple[list[Any], int]:
        """The rows of a page of a listing, and how many there are in all."""
        for rows, total in (("tasks", "total"), ("results", "count")):
            if isinstance(page, dict) and isinstance(page.get(rows), list) and isinstance(page.get(total), int):
                return page[rows], page[total]
        raise LabellingError(f"GET {path} answered JSON of another form, expected a listing", where=self.url, hint=_OWN)

    def send(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """The JSON answer to a writing request, sent once.

        Raises
        ------
        ConnectionLostError
            No answer, or one that tells nothing of what was done.
        LabellingError
            The server refuses; nothing was done.
        """
        self.n_writes += 1
        response = self._request(method, path, params, body)
        return _json(response, path) if response.content else None

    def _read(self, path: str, params: Mapping[str, Any]) -> httpx.Response:
        for pause in _PAUSES:
            try:
                return self._request("GET", path, params)
            except ConnectionLostError as error:
                _log.info("%s Asking again.", error)
                time.sleep(pause)
        return self._request("GET", path, params)

    def _request(self, method: str, path: str, params: Mapping[str, Any], body: Any = None) -> httpx.Response:
        import httpx
        from label_studio_sdk.core.api_error import ApiError

        found, is_foreign = None, False
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # the SDK's own use of pydantic
                response = self._transport.request(
                    path, method=method, params=dict(params), json=body, request_options={"max_retries": 0}
                )
        except httpx.HTTPError as error:
            found = type(error).__name__
        except ValueError:  # likewise; what it quotes of the answer may be a token
            is_foreign = True
        except ApiError as error:  # the exchange of a personal access token
            raise LabellingError(f"the token is refused ({error.status_code})", where=self.url, hint=_TOKEN) from None
        if is_foreign:
            raise LabellingError("the exchange of the personal access token was not understood", where=self.url,
                                 hint=_OWN)  # fmt: skip
        if found is not None:  # outside the handler: the library's error carries the request with its headers
            raise ConnectionLostError(
                f"no answer to {method} {path} ({found})", where=self.url, hint="See that the server runs."
            )
        self._check(response, method, path)
        return response

    def _check(self, response: httpx.Response, method: str, path: str) -> None:
        status = response.status_code
        if status < 400:
            return
        what = f"{method} {path} answered {status}: {_reason(response)}"
        if status in (401, 403):
            raise LabellingError(f"the token is refused; {what}", where=self.url, hint=_TOKEN)
        if status in _PASSING:
            raise ConnectionLostError(what, where=self.url, hint="Look into the server's log.")
        hint = "" if _is_json(response) else _OWN
        refused = LabellingError(what, where=self.url, hint=hint)
        refused.status = status
        raise refused


_OWN = "See that the address is Label Studio's own."
_TOKEN = "Give the token of an account of this server, by LABEL_STUDIO_API_KEY or --api-key."


def _transport(access: Access, timeout: float) -> Any:
    """The SDK's HTTP client: it knows both kinds of tokens, and when to refresh one."""
    from label_studio_sdk.client import LabelStudio
    from label_studio_sdk.core.api_error import ApiError

    try:
        client = LabelStudio(base_url=access.url, api_key=access.token, timeout=timeout, max_retries=0)
    except ApiError as error:
        detail = error.body.get("detail") if isinstance(error.body, dict) else error.status_code
        raise LabellingError(f"the token is refused: {detail}", where=access.url, hint=_TOKEN) from None
    return client._client_wrapper.httpx_client


def _json(response: httpx.Response, path: str) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ConnectionLostError(
            f"{path} answered {response.headers.get('content-type', 'nothing')}, expected JSON",
            where=str(response.url.copy_with(path="/", query=None)).rstrip("/"),
            hint=_OWN,
        ) from None


def _is_json(response: httpx.Response) -> bool:
    return "json" in response.headers.get("content-type", "")


def _reason(response: httpx.Response) -> str:
    """What a refusal says, short; an HTML page says nothing."""
    try:
        body = response.json()
    except ValueError:
        return "no reason given"
    if isinstance(body, dict):
        detail = body.get("validation_errors") or body.get("detail") or body
        return str(detail)[:400]
    return str(body)[:400]
