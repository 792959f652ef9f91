"""Errors as answers: a status by the exception tree, one line of JSON, and nothing of what was sent."""

from __future__ import annotations

import logging
import traceback

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tagger import errors

log = logging.getLogger(__name__)
#: The first that an error is an instance of gives its status.
STATUSES: tuple[tuple[type[errors.TaggerError], int], ...] = (
    (errors.MissingExtraError, 501),
    (errors.UsageError, 400),
    (errors.LimitError, 413),
    (errors.InputError, 422),
    (errors.TaggerError, 500),
)


class BusyError(errors.TaggerError):
    """More is asked at a time than can wait."""


def status_of(error: errors.TaggerError) -> int:
    """The status that stands for an error of the tree."""
    if isinstance(error, BusyError):
        return 503
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def answer(status: int, message: str, kind: str) -> JSONResponse:
    """The one form of every error."""
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse({"error": message, "kind": kind}, status, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of an application in that form."""
    app.add_exception_handler(errors.TaggerError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unknown)


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.TaggerError)
    return answer(status_of(error), str(error), type(error).__name__)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Where and why, but not what was found there: it may be a secret that came in the wrong place."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answer(400, f"{where}: {first['msg']}. See /openapi.json.", "UsageError")


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    hints = {404: " See / and /openapi.json.", 405: " See /openapi.json."}
    return answer(error.status_code, f"{error.detail}.{hints.get(error.status_code, '')}".replace("..", "."), "Refused")


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    """A bug of ours. Its place is logged, not its message, which may quote what was sent."""
    log.error("%s %s: %s", request.method, request.url.path, describe(error))
    return answer(500, f"internal error ({type(error).__name__}); the service's log has its place", "InternalError")


def describe(error: BaseException) -> str:
    """The kind of an exception and the lines of code that it came through, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))
    return f"{type(error).__name__} at {places or 'an unknown place'}"
