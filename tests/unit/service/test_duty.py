"""Lanes: some at a time, the others in line, too many refused; and the change of a model."""

from __future__ import annotations

import threading
import time

import anyio
import pytest

from tagger.models.storage import Model
from tagger.service.duty import Duty, Lane
from tagger.service.failures import BusyError


def test_no_more_run_at_a_time_than_the_lane_is_wide() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return number

    async def main() -> list[int]:
        lane, done = Lane(2, 100), []

        async def one(number: int) -> None:
            done.append(await lane.run(work, number))

        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(one, number)
        return done

    assert sorted(anyio.run(main)) == list(range(12))
    assert most == 2


def test_more_than_can_wait_are_refused_at_once() -> None:
    async def main() -> list[str]:
        lane, ends, go = Lane(1, 2), [], threading.Event()

        async def one(number: int) -> None:
            try:
                await lane.run(go.wait, 10)
                ends.append("done")
            except BusyError:
                ends.append("busy")

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(one, number)
                await anyio.sleep(0.02)
            assert ends == ["busy"] * 3
            go.set()
        return ends

    assert anyio.run(main) == ["busy"] * 3 + ["done"] * 3


def test_work_that_fails_gives_its_turn_back() -> None:
    async def main() -> int:
        lane = Lane(1, 1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await lane.run(lambda: 1 // 0)
        return await lane.run(lambda: 7)

    assert anyio.run(main) == 7


def test_who_stops_waiting_leaves_the_line() -> None:
    async def main() -> None:
        lane, go = Lane(1, 1), threading.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(lane.run, go.wait, 10)
            await anyio.sleep(0.02)
            for _ in range(5):
                with anyio.move_on_after(0.01):
                    await lane.run(int)
            go.set()
        assert await lane.run(lambda: 7) == 7

    anyio.run(main)


def test_who_took_a_model_keeps_it(lexicon: Model, tfidf: Model) -> None:
    duty = Duty(lexicon)
    taken = duty.model
    duty.change(tfidf)
    assert taken is lexicon
    assert duty.model is tfidf
