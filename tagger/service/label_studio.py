"""Label Studio's ML backend, under ``/label-studio``: health, setup, predict, versions, webhook.

What Label Studio 1.23 sends was read from its source (``label_studio/ml/api_connector.py``) and
observed on a running server. Bodies carry an API token (``setup``) and may carry a login
(``params``): none is logged, kept on disk or quoted in an answer. Bodies are read by hand: an
answer that explains what is wrong with a field would quote it.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from tagger.errors import InputError, TaggerError
from tagger.models.storage import Model
from tagger.service.failures import describe
from tagger.service.label_config import Interface, read_interface
from tagger.service.pre_annotation import empty, model_version, pre_annotate
from tagger.service.workplace import Workplace

log = logging.getLogger(__name__)
PREFIX = "/label-studio"
URL, KEY = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PROJECT = re.compile(r"([0-9]{1,9})(?:\.[0-9]+)?")


def ml_backend_routes(place: Workplace, *, is_protected: bool) -> APIRouter:
    """The routes.

    Parameters
    ----------
    place : Workplace
    is_protected : bool
        Whether callers must show a password; then a token that is handed over is used
        wherever it leads, else for a Label Studio on this machine only.
    """
    router = APIRouter(prefix=PREFIX, tags=["Label Studio ML backend"])

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Label Studio asks before everything else."""
        return {"status": "UP", "model_class": "tagger"}

    @router.post("/setup")
    async def setup(request: Request) -> dict[str, str]:
        """A project introduces itself; the answer is the version that its predictions would have."""
        body = await _read_body(request)
        _introduce(place, body, is_protected)
        return {"model_version": model_version(place.duty.model)}

    @router.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        """One prediction a task, in order; empty ones where the project's interface has no place for them."""
        body = await _read_body(request)
        model = place.duty.model
        results = await place.quick.run(_predictions, _tasks_in(body), body.get("label_config"), model)
        return {"results": results, "model_version": model_version(model)}

    @router.get("/versions")
    async def versions() -> dict[str, Any]:
        """The version that is on duty; older ones cannot be asked."""
        return {"versions": [model_version(place.duty.model)], "retraining": place.retraining()}

    @router.post("/webhook")
    async def webhook(request: Request) -> dict[str, Any]:
        """A hint that something happened; only START_TRAINING is acted upon, and twice is as good as once."""
        return _hear(place, await _read_body(request))

    return router


def project_number(value: Any) -> int | None:
    """The number in ``3.1700000000`` (setup, predict), ``{"id": 3}`` (webhooks) or 3; None for anything else."""
    if isinstance(value, Mapping):
        value = value.get("id")
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    match = _PROJECT.fullmatch(str(value))
    return int(match[1]) if match else None


async def _read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    A form of another site's page can send text but not JSON, unless we said that it may.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected a body of type application/json")
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise InputError("not JSON", where=request.url.path) from None
    if not isinstance(body, dict):
        raise InputError("not a JSON object", where=request.url.path)
    return body


def _introduce(place: Workplace, body: Mapping[str, Any], is_protected: bool) -> None:
    """Remember a project for the trainings that it may ask for."""
    project = project_number(body.get("project"))
    if place.retrainer and project is not None:
        place.retrainer.introduce(project, _environment(body, is_protected))


def _tasks_in(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise InputError("no list of tasks in it", where="predict")
    return tasks


def _predictions(tasks: list[dict[str, Any]], config: Any, model: Model) -> list[dict[str, Any]]:
    """As many as there are tasks, whatever goes wrong: Label Studio would show an error to nobody."""
    try:
        if not isinstance(config, str):
            raise InputError("missing, expected the project's labelling interface", where="label config")
        interface = read_interface(config, model.domains)
        _tell_missing(interface, model)
        return pre_annotate(tasks, interface, model)
    except TaggerError as error:
        log.error("%s", error)
    except Exception as error:
        log.error("tasks could not be pre-annotated: %s", describe(error))
    return [empty(model) for _ in tasks]


def _tell_missing(interface: Interface, model: Model) -> None:
    if missing := interface.missing(model.domains):
        log.warning("label config: no choice for %s; such tags cannot be shown", ", ".join(missing))


def _hear(place: Workplace, body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("action") != "START_TRAINING":
        return {"status": "ignored"}
    project = project_number(body.get("project"))
    if place.retrainer is None:
        log.warning("a training was asked for, and this service does not retrain; start it with --models DIR")
        return {"status": "ignored", "reason": "this service does not retrain"}
    if project is None or not place.retrainer.knows(project):
        return {"status": "ignored", "reason": "no project that was set up here"}
    return {"status": place.retrainer.ask(project)}


def _environment(body: Mapping[str, Any], is_protected: bool) -> dict[str, str]:
    """What the commands of a retraining find Label Studio by, in place of the operator's own settings.

    The two go together: the operator's token never goes to an address that somebody hands over.
    """
    address, token = body.get("hostname"), body.get("access_token")
    if os.environ.get(URL) or os.environ.get(KEY) or not (isinstance(address, str) and isinstance(token, str)):
        return {}
    if not token or "\0" in token + address or not _is_trusted(address, is_protected):
        return {}
    return {URL: address, KEY: token}


def _is_trusted(address: str, is_protected: bool) -> bool:
    try:
        parts = urlsplit(address)
        name = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and (is_protected or name in _LOOPBACK)
