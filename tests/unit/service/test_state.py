"""The state file: whole or not at all, and never taken for what it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import ModelError, OutputError
from tagger.service.state import FILE, Job, State, read_state, write_state

_NUMBERS = st.lists(st.integers(1, 10**6), unique=True).map(tuple)
_STATES = st.builds(
    State, st.none() | st.text(), st.integers(0), st.none() | st.builds(Job, st.integers(1), st.integers(1), st.text()),
    _NUMBERS, _NUMBERS, st.dictionaries(st.text(), st.text()),
)  # fmt: skip


@given(state=_STATES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, state: State) -> None:
    folder = tmp_path_factory.mktemp("state")
    write_state(folder, state)
    assert read_state(folder) == state
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_without_a_file_the_state_is_fresh(tmp_path: Path) -> None:
    assert read_state(tmp_path) == State()


def test_a_project_waits_once() -> None:
    state = State().with_waiting(3).with_waiting(4).with_waiting(3)
    assert state.waiting == (3, 4)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"format": 2}', '{"format": 1}', '{"format": 1, "job": 3}',
     json.dumps({"format": 1, "serving": None, "n_jobs": 0, "job": None, "waiting": [], "projects": [], "last": {},
                 "more": 1})],
)  # fmt: skip
def test_what_is_no_state_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ModelError, match=r"state\.json: not the state of a service .* Move it away"):
        read_state(tmp_path)


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state(tmp_path, State(n_jobs=1))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tagger.service.state.os.fsync", fail)
    with pytest.raises(OutputError, match=r"state\.json: cannot be written \(No space left on device\)"):
        write_state(tmp_path, replace(State(), n_jobs=2))
    assert read_state(tmp_path).n_jobs == 1
