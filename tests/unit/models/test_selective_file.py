"""The bounds in a model folder: written and read back, checked as any file of a stranger."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.domains import DomainSet
from tagger.errors import ModelError
from tagger.evaluation.selective import answer
from tagger.models.manifest import checksums, read_manifest
from tagger.models.selective import FILE, Selective
from tagger.models.storage import Model, load_model, save_model

BOUNDS = np.array([[0.2, 0.8], [0.0, math.inf], [0.5, 0.5]])


@pytest.fixture
def selective() -> Selective:
    """Bounds of three domains: one is told, one always asked, one never."""
    load = {"sentence": {"share_asked": 0.25, "found": 0.7, "asked": 0.27, "lost": 0.03}}
    return Selective(BOUNDS, 0.95, 0.9, 0.1, (300, 12, 400), 80, load)


@pytest.fixture
def folder(tmp_path: Path, lexicon: Model, domains: DomainSet, selective: Selective) -> Path:
    """The lexicon model with bounds."""
    place = tmp_path / "asking"
    save_model(place, lexicon.classifier, domains, lexicon.thresholds, config={}, name="words", selective=selective)
    return place


def _rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The file changed and the manifest made to agree, as an attacker would."""
    data = json.loads((folder / FILE).read_text(encoding="utf-8"))
    change(data)
    (folder / FILE).write_text(json.dumps(data), encoding="utf-8")
    replace(read_manifest(folder), files=checksums(folder)).write(folder)
    return folder


def test_bounds_come_back_as_they_were_saved(folder: Path, selective: Selective) -> None:
    loaded = load_model(folder).selective
    assert loaded is not None
    assert np.array_equal(loaded.bounds, selective.bounds)
    assert replace(loaded, bounds=BOUNDS) == replace(selective, bounds=BOUNDS)


def test_the_file_is_strict_json_that_says_what_cannot_be_answered(folder: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads((folder / FILE).read_text(encoding="utf-8"), parse_constant=refuse)
    assert data["domains"]["traffic"] == {"low": 0.2, "high": 0.8, "n_positives": 300}
    assert data["domains"]["patrol"] == {"low": 0.0, "high": None, "n_positives": 12, "note": "always asks"}
    assert (data["precision"], data["recall"], data["delta"], data["n_bulletins"]) == (0.95, 0.9, 0.1, 80)


def test_answers_are_yes_from_the_upper_bound_and_no_below_the_lower(selective: Selective) -> None:
    y_proba = np.array([[0.8, 1.0, 0.5], [0.2, 0.0, 0.49], [0.19, 0.5, 0.51]], dtype=np.float64)
    yes, ask = selective.answer(y_proba)
    assert yes.tolist() == [[True, False, True], [False, False, False], [False, False, True]]
    assert ask.tolist() == [[False, True, False], [True, True, False], [False, True, False]]
    # The room that measures may not import this one, nor this one it: the same rule stands in both.
    assert all(np.array_equal(*both) for both in zip((yes, ask), answer(y_proba, selective.bounds), strict=True))


@pytest.mark.parametrize(
    ("bound", "note"),
    [
        ((0.2, 0.8), ""),
        ((0.0, 0.8), "asks wherever it does not say yes"),
        ((0.2, math.inf), "asks wherever it does not say no"),
        ((0.0, math.inf), "always asks"),
    ],
)
def test_what_a_domain_cannot_answer_is_told_in_words(bound: tuple[float, float], note: str) -> None:
    assert Selective(np.array([bound]), 0.95, 0.95, 0.1, (10,), 5).notes() == [note]


def test_a_model_without_bounds_still_loads_and_says_that_it_cannot_ask(lexicon: Model) -> None:
    assert lexicon.selective is None
    with pytest.raises(ModelError) as error:
        lexicon.asking()
    assert str(error.value) == (
        "model words: has no bounds for answers that ask a person, expected selective.json. "
        "Train the model again with this version of tagger, or leave --ask out."
    )


def test_bounds_are_part_of_the_version_and_the_card_is_not(
    folder: Path, tmp_path: Path, lexicon: Model, domains: DomainSet, selective: Selective
) -> None:
    with_bounds = read_manifest(folder).version
    other = replace(selective, bounds=BOUNDS * [1, 1.1])
    changed = save_model(
        tmp_path / "other", lexicon.classifier, domains, lexicon.thresholds, config={}, name="words", selective=other
    )
    renamed = save_model(
        tmp_path / "named", lexicon.classifier, domains, lexicon.thresholds, config={}, name="x", selective=selective
    )
    assert changed.version != with_bounds != lexicon.version
    assert (tmp_path / "named" / "README.md").read_bytes() != (folder / "README.md").read_bytes()
    assert renamed.version == with_bounds


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["domains"]["traffic"].update(low=0.9),
        lambda data: data["domains"]["traffic"].update(low=-0.1),
        lambda data: data["domains"]["traffic"].update(low=None),
        lambda data: data["domains"]["traffic"].update(high=0),
        lambda data: data["domains"]["traffic"].update(high=7),
        lambda data: data["domains"]["traffic"].update(high=float("nan")),
        lambda data: data["domains"]["traffic"].update(low="x"),
        lambda data: data["domains"].pop("traffic"),
        lambda data: data["domains"].update(dogs=data["domains"]["traffic"]),
        lambda data: data.update(domains=[]),
        lambda data: data.update(precision=1.5),
        lambda data: data.update(delta="often"),
        lambda data: data.update(format=2),
        lambda data: data.update(load=3),
        lambda data: data.update(n_bulletins=float("inf")),
        lambda data: data.pop("recall"),
    ],
)
def test_bounds_that_cannot_be_are_refused(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ModelError, match=r"selective\.json: not a model's bounds"):
        load_model(_rewritten(folder, change))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_is_no_bounds_at_all_is_refused(folder: Path, text: str | bytes) -> None:
    (folder / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    replace(read_manifest(folder), files=checksums(folder)).write(folder)
    with pytest.raises(ModelError, match=r"selective\.json: not a model's bounds"):
        load_model(folder)


def test_a_changed_bound_is_told_by_its_checksum(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / FILE).write_text((copy / FILE).read_text().replace("0.8", "0.3"))
    with pytest.raises(ModelError, match=r"selective\.json: damaged"):
        load_model(copy)
