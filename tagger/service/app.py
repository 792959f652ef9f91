"""The application: all routes of a workplace behind one guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import tagger
from tagger.bulletins.limits import LIMITS
from tagger.bulletins.reading import extractor
from tagger.service import failures
from tagger.service.duty import in_thread
from tagger.service.guards import Credentials, Guard
from tagger.service.label_studio import ml_backend_routes
from tagger.service.page import page_routes
from tagger.service.rest import rest_routes
from tagger.service.workplace import Workplace

#: A document of the largest size, and what a form puts around it.
MAX_BODY = LIMITS.max_bytes + (1 << 20)


def make_app(
    place: Workplace, *, credentials: Credentials | None = None, hosts: frozenset[str] = frozenset()
) -> Guard:  # fmt: skip
    """An ASGI application.

    Parameters
    ----------
    place : Workplace
        Its retrainer is started and closed with the application.
    credentials : Credentials, optional
    hosts : frozenset of str
        See `tagger.service.guards.Guard`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if place.retrainer:
            await in_thread(place.retrainer.start)
        yield
        if place.retrainer:
            await in_thread(place.retrainer.close)
        extractor().close()

    # The interactive pages of FastAPI load their scripts from elsewhere; /openapi.json is enough.
    app = FastAPI(
        title="tagger", version=tagger.__version__, docs_url=None, redoc_url=None, lifespan=lifespan,
        summary="Tags the measures in Chinese police bulletins (公安通报) with policing domains.",
    )  # fmt: skip
    failures.install(app)
    app.include_router(rest_routes(place))
    app.include_router(page_routes(place))
    app.include_router(ml_backend_routes(place, is_protected=credentials is not None))
    return Guard(app, credentials=credentials, hosts=hosts, max_body=MAX_BODY)
