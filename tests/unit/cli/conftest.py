"""The command line within this process, which is quicker than one of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.cli.main import main

Call = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a command line in a folder with one document; gives code, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("开展宣传讲座。民警巡逻。", encoding="utf-8")

    def run(*args: object) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run
