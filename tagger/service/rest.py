"""The REST interface: what `tagger predict --format jsonl` gives, over HTTP."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Receive, Scope, Send

import tagger
from tagger.service import answers
from tagger.service.answers import Options
from tagger.service.duty import in_thread
from tagger.service.workplace import Workplace

_JSON, _LINES = "application/json", "application/x-ndjson"
#: Texts longer than this are no matter of a moment; they go into the lane of the long ones.
QUICK_CHARS = 20_000
#: Lines of records that go out at a time.
_CHUNK = 256

_Explain = Annotated[bool, Field(description="Show what carried each tag.")]
_Threshold = Annotated[float | None, Field(description="One threshold in (0, 1) for all domains.")]
_TextField = Annotated[str, Field(description="The field of records that holds the text.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextBody(_Body):
    """A bulletin as text."""

    text: Annotated[str, Field(description="The bulletin, lines as they are.", examples=["民警每晚在夜市巡逻。"])]
    id: Annotated[str, Field(description="Comes back as it is.")] = "text"
    explain: _Explain = False
    threshold: _Threshold = None


class RecordsBody(_Body):
    """Records, each with a text of its own."""

    records: Annotated[list[dict[str, Any]], Field(description="Each comes out once, in order, with its own fields.")]
    text_field: _TextField = "text"
    explain: _Explain = False
    threshold: _Threshold = None


def rest_routes(place: Workplace) -> APIRouter:
    """The routes; every error is ``{"error": one line, "kind": name}`` with a status that fits."""
    router = APIRouter(responses=_ERRORS)
    _add_bodies(router, place)
    _add_files(router, place)
    _add_state(router, place)
    return router


def _add_bodies(router: APIRouter, place: Workplace) -> None:
    """Texts and records that come as JSON."""

    @router.post("/predict", summary="Tag a bulletin given as text", response_class=Response, responses=_ok(_JSON))
    async def predict(body: TextBody) -> Response:
        """One JSON object, as `tagger predict --format jsonl` writes it; offsets count code points of the text."""
        lane = place.quick if len(body.text) <= QUICK_CHARS else place.long
        bulletin = await place.reading.run(answers.bulletin_of_text, body.text, body.id)
        options = Options(body.explain, body.threshold)
        return Response(await lane.run(answers.bulletin_line, bulletin, place.duty.model, options), media_type=_JSON)

    @router.post("/predict/records", summary="Tag records", response_class=Response, responses=_ok(_LINES))
    async def predict_records(body: RecordsBody) -> Response:
        """One JSON line a record, with its own fields, `domains` and `scores`; a bad one has `error`."""
        options = Options(body.explain, body.threshold, body.text_field)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagger-")))
            path = await in_thread(answers.write_records, folder, body.records)
            return await _lines(place, path, "records", options, stack) if body.records else _no_lines()


def _add_files(router: APIRouter, place: Workplace) -> None:
    """Documents and files of records."""

    @router.post("/predict/file", summary="Tag a document, or a file of records", response_class=Response,
                 responses=_ok(_JSON, _LINES))  # fmt: skip
    async def predict_file(
        file: Annotated[UploadFile, File(description="txt, md, html, docx, pdf; jsonl or csv for records.")],
        explain: Annotated[bool, Form()] = False,
        threshold: Annotated[float | None, Form()] = None,
        text_field: Annotated[str, Form()] = "text",
        encoding: Annotated[str | None, Form()] = None,
    ) -> Response:
        """A document gives one JSON object; records give one JSON line each."""
        options = Options(explain, threshold, text_field, encoding or None)
        name = answers.base_name(file.filename)
        if answers.is_records(name):
            return await _record_file(place, file, name, options)
        bulletin = await place.reading.run(answers.bulletin_of_file, await file.read(), name, options.encoding)
        return Response(
            await place.long.run(answers.bulletin_line, bulletin, place.duty.model, options), media_type=_JSON
        )


def _add_state(router: APIRouter, place: Workplace) -> None:
    """What the service is and how it does."""

    @router.get("/health", summary="Whether the service is up")
    async def health() -> dict[str, str]:
        """Needs no password."""
        return {"status": "UP"}

    @router.get("/version", summary="The package, the model on duty, and how its retraining stands")
    async def version() -> dict[str, Any]:
        """`retraining` tells of the job that runs, of what waits, and how the last one ended."""
        return {"tagger": tagger.__version__, "model": place.describe_model(), "retraining": place.retraining()}

    @router.get("/domains", summary="The domains of the model on duty")
    async def domains() -> dict[str, Any]:
        """Ids with Chinese and English names, definitions, colours and thresholds, in column order."""
        model = place.duty.model
        return {**model.domains.to_dict(), "thresholds": dict(zip(model.domains.ids, model.thresholds, strict=True))}


async def _record_file(place: Workplace, file: UploadFile, name: str, options: Options) -> Response:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tagger-")))
        path = folder / f"records{Path(name).suffix.lower()}"
        await in_thread(_copy, file, path)
        return await _lines(place, path, name, options, stack)


def _copy(file: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target)


async def _lines(
    place: Workplace, path: Path, name: str, options: Options, stack: AsyncExitStack
) -> StreamingResponse:  # fmt: skip
    """Lines as they are made, in constant memory; what keeps the file as a whole from being read is an error.

    The lane and the file are held until the last line has gone out.
    """
    lines = answers.record_lines(path, name, place.duty.model, options)
    await stack.enter_async_context(place.long.turn())
    first = await in_thread(lambda: list(islice(lines, 1)))
    return _Lines(chain(first, lines), stack.pop_all())


class _Lines(StreamingResponse):
    """Sends lines and then closes what was kept open for them, whether they all went out or not."""

    def __init__(self, lines: Iterator[str], kept: AsyncExitStack) -> None:
        super().__init__(_texts(lines), media_type=_LINES)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._kept:
            await super().__call__(scope, receive, send)


async def _texts(lines: Iterator[str]) -> AsyncIterator[str]:
    while text := await in_thread(lambda: "".join(islice(lines, _CHUNK))):
        yield text


def _no_lines() -> Response:
    return Response("", media_type=_LINES)


def _ok(*types: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "Tagged.", "content": {type: {} for type in types}}}


class ErrorBody(BaseModel):
    """What every error is answered with."""

    error: Annotated[str, Field(description="One line: where, what was found, what was expected, what to do next.")]
    kind: Annotated[str, Field(description="Its kind in the project's tree of errors.")]


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "A wrong field or option."},
    413: {"model": ErrorBody, "description": "Larger than we read."},
    422: {"model": ErrorBody, "description": "A document or file of records that cannot be used."},
    503: {"model": ErrorBody, "description": "Too much is waiting; ask again."},
}
