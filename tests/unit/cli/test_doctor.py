"""The check-up names what does not work and how to mend it."""

from __future__ import annotations

from importlib import metadata

import pytest

from tagger.bulletins import reading
from tagger.cli import doctor
from tagger.cli.main import main
from tagger.errors import DocumentError
from tagger.models import storage


def _without(name: str):  # type: ignore[no-untyped-def]
    version = metadata.version

    def looked_up(asked: str) -> str:
        if asked == name:
            raise metadata.PackageNotFoundError(asked)
        return version(asked)

    return looked_up


def test_a_missing_library_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._libraries() == []
    monkeypatch.setattr(metadata, "version", _without("skops"))
    assert doctor._libraries() == ["skops is missing: pip install --force-reinstall tagger"]


def test_a_missing_default_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "shipped_models", dict)
    assert doctor._models() == ["the default model bert is not here: pip install --force-reinstall tagger"]


def test_a_reader_that_does_not_work_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def extract(self, format: str, data: bytes) -> None:
            raise DocumentError("crashed the reader")

    monkeypatch.setattr(reading, "extractor", Broken)
    assert doctor._readers() == ["reader of documents: crashed the reader."]


def test_a_problem_makes_the_check_up_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("_libraries", "_readers"):
        monkeypatch.setattr(doctor, name, list)
    monkeypatch.setattr(doctor, "_models", lambda: ["model tfidf: damaged"])
    with pytest.raises(SystemExit) as end:
        main(["doctor"])
    assert end.value.code == 1
    assert capsys.readouterr().out.splitlines()[-2:] == ["PROBLEM model tfidf: damaged", "1 to mend"]
