"""The model on duty, and the lanes in which it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

from tagger.models.storage import Model
from tagger.service.failures import BusyError

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Duty:
    """Holds the model that answers; changed in one step.

    A request takes `model` once and uses what it took to its end, so that no answer is of
    two versions.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def model(self) -> Model:
        """The model of this moment."""
        return self._model

    def change(self, model: Model) -> None:
        """Put another model on duty: one assignment, which no thread sees half done."""
        self._model = model


class Lane:
    """Runs work in threads: some at a time, the others wait in line, and too many are refused.

    Parameters
    ----------
    width : int
        How much runs at a time.
    length : int
        How much may wait.
    """

    def __init__(self, width: int, length: int) -> None:
        self._width, self._length = width, length
        self._limiter: anyio.CapacityLimiter | None = None
        self._n_waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Raises
        ------
        BusyError
            Too many are waiting.
        """
        if self._limiter is None:  # it belongs to the event loop that is running now
            self._limiter = anyio.CapacityLimiter(self._width)
        if self._n_waiting >= self._length:
            raise BusyError(f"{self._n_waiting} requests are waiting already", hint="Ask again in a few seconds.")
        self._n_waiting += 1
        try:
            holder = object()
            await self._limiter.acquire_on_behalf_of(holder)
        finally:
            self._n_waiting -= 1
        try:
            yield
        finally:
            self._limiter.release_on_behalf_of(holder)

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a function, called in a thread when its turn comes."""
        async with self.turn():
            return await in_thread(function, *args, **kwargs)


async def in_thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """The result of a function, called in a thread."""
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))
