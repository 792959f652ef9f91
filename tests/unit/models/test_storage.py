"""Model folders: written whole or not at all, the same from the same training, refused when tampered with."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagger.bulletins import normalize
from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import ModelError, OutputError
from tagger.models.lexicon import LexiconClassifier
from tagger.models.manifest import checksums, read_manifest
from tagger.models.storage import Model, find_model, load_model, save_model, shipped_models
from tagger.models.tfidf import TfidfClassifier

_FILES = ("README.md", "combiner.json", "decision.json", "domains.json", "model.skops")


@pytest.fixture
def folder(tmp_path: Path, tfidf_folder: Path) -> Path:
    """A copy of the small TF-IDF model, to be damaged."""
    return Path(shutil.copytree(tfidf_folder, tmp_path / "copy"))


def _seal(folder: Path, **changes: Any) -> None:
    """Make the manifest agree with what the folder holds now, as an attacker would."""
    replace(read_manifest(folder), files=checksums(folder), **changes).write(folder)


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def _save_words(folder: Path, domains: DomainSet, word: str) -> None:
    classifier = LexiconClassifier([[word], [], []], [[], [], []])
    save_model(folder, classifier, domains, np.full(3, 0.5), config={})


def test_what_is_saved_scores_like_what_was_trained(
    tmp_path: Path, train_small: Callable[[Path], TfidfClassifier], examples: Examples
) -> None:
    trained = train_small(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    y_proba = loaded.classifier.predict_proba(examples.texts)
    assert np.array_equal(y_proba, trained.predict_proba(examples.texts))
    assert loaded.classifier.explain(examples.texts[1], 0) == trained.explain(examples.texts[1], 0)


def test_a_model_knows_its_domains_thresholds_and_training(
    tfidf: Model, examples: Examples, domains: DomainSet
) -> None:
    assert tfidf.domains == domains
    assert (tfidf.name, tfidf.config, tfidf.manifest.seed) == ("small", {"seed": 1}, 1)
    assert tfidf.manifest.data == {"hash": examples.hash, "n_bulletins": 8, "n_texts": 48}
    assert tfidf.thresholds.dtype == np.float64
    assert ((tfidf.thresholds > 0) & (tfidf.thresholds < 1)).all()
    assert set(tfidf.manifest.libraries) == {"numpy", "scipy", "scikit-learn", "skops", "rjieba", "opencc"}


def test_the_same_training_gives_the_same_bytes(
    tmp_path: Path, train_small: Callable[[Path], TfidfClassifier], tfidf_folder: Path
) -> None:
    train_small(tmp_path / "again")
    assert _bytes_of(tmp_path / "again") == _bytes_of(tfidf_folder)


def test_a_model_is_the_same_wherever_it_stands(folder: Path, tfidf: Model) -> None:
    moved = folder.rename(folder.with_name("elsewhere"))
    assert load_model(moved).manifest == tfidf.manifest


def test_a_model_that_ships_is_opened_by_its_name() -> None:
    assert load_model("lexicon").manifest == read_manifest(shipped_models()["lexicon"])


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(ModelError) as error:
        load_model("tfidff")
    assert str(error.value).startswith("tfidff: no such model. Give a folder, or one of: bert, lexicon, tfidf")


def test_one_threshold_for_all_domains_takes_the_place_of_the_models_own(tfidf: Model) -> None:
    changed = tfidf.with_threshold(0.25)
    assert changed.thresholds.tolist() == [0.25, 0.25, 0.25]
    assert changed.classifier is tfidf.classifier
    assert tfidf.with_threshold(None) is tfidf


@pytest.mark.parametrize("name", _FILES)
def test_a_missing_file_is_told_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError) as error:
        load_model(folder)
    assert str(error.value).startswith(f"{folder / name}: missing.")


@pytest.mark.parametrize("name", _FILES)
def test_a_truncated_file_is_told_by_name(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError) as error:
        load_model(folder)
    assert str(error.value).startswith(f"{folder / name}: damaged, its checksum is not the manifest's.")


def test_a_foreign_file_is_told_by_name(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ModelError) as error:
        load_model(folder)
    assert str(error.value).startswith(f"{folder}/notes.txt: a file that the manifest does not list.")


class _Payload:
    """An object that, unpickled, leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def test_a_pickle_in_the_place_of_the_model_is_refused_and_never_run(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "was_run"
    data = pickle.dumps(_Payload(trace))
    pickle.loads(data)
    assert trace.exists()
    trace.unlink()
    (folder / "model.skops").write_bytes(data)
    _seal(folder)
    with pytest.raises(ModelError, match=r"model\.skops: not a readable model file \(BadZipFile\)"):
        load_model(folder)
    assert not trace.exists()


@pytest.mark.parametrize("version", [normalize.VERSION - 1, normalize.VERSION + 1])
def test_a_model_of_another_normaliser_is_refused(folder: Path, version: int) -> None:
    _seal(folder, normalizer_version=version)
    with pytest.raises(ModelError) as error:
        load_model(folder)
    assert str(error.value) == (
        f"{folder}: trained on text of normaliser {version}, this is {normalize.VERSION}. Train it again."
    )


def test_a_model_of_another_format_is_refused(folder: Path) -> None:
    _seal(folder, format=99)
    with pytest.raises(ModelError, match="model format 99, expected 1"):
        load_model(folder)


def test_a_model_of_an_unknown_kind_is_refused(folder: Path) -> None:
    _seal(folder, kind="oracle")
    with pytest.raises(ModelError, match=r"model kind 'oracle', expected one of lexicon, tfidf.*newer version"):
        load_model(folder)


@pytest.mark.parametrize(
    ("name", "text", "kind", "problem"),
    [
        ("decision.json", "{", ModelError, "decision.json: not a model's decision file (JSONDecodeError"),
        ("decision.json", "[]", ModelError, "decision.json: not a model's decision file (TypeError"),
        ("decision.json", '{"thresholds": {"traffic": 0.5}, "config": {}}', ModelError, "(KeyError('patrol'))"),
        ("decision.json", '{"thresholds": {}}', ModelError, "(KeyError('traffic'))"),
        ("domains.json", "{}", ModelError, "domains.json: not a domain list ('domains')"),
        ("domains.json", "", ModelError, "not a model's decision file (JSONDecodeError"),
        ("combiner.json", "[1]", ModelError, "copy: not a TF-IDF model ("),
        ("combiner.json", '{"signals": ["text"], "weights": [["x"]]}', ModelError, "copy: not a TF-IDF model ("),
    ],
)
def test_a_file_that_holds_something_else_is_refused_even_under_its_own_checksum(
    folder: Path, name: str, text: str, kind: type[Exception], problem: str
) -> None:
    (folder / name).write_text(text)
    _seal(folder)
    with pytest.raises(kind) as error:
        load_model(folder)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_is_replaced_as_a_whole(folder: Path, domains: DomainSet, tmp_path: Path) -> None:
    _save_words(folder, domains, "巡逻")
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "decision.json", "domains.json", "lexicon.json", "manifest.json"
    ]  # fmt: skip
    assert load_model(folder).manifest.kind == "lexicon"
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]


class _Failing:
    """A classifier whose saving breaks off half-way."""

    kind = "lexicon"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def save(self, folder: Path) -> None:
        (folder / "lexicon.json").write_text("{")
        raise self._error


@pytest.mark.parametrize(
    ("error", "raised"), [(ValueError("broken"), ValueError), (OSError(28, "No space left"), OutputError)]
)
def test_when_saving_breaks_off_the_old_model_stays_and_nothing_else(
    folder: Path, tmp_path: Path, domains: DomainSet, error: Exception, raised: type[Exception]
) -> None:
    before = _bytes_of(folder)
    with pytest.raises(raised):
        save_model(folder, _Failing(error), domains, np.full(3, 0.5), config={})  # type: ignore[arg-type]
    assert _bytes_of(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]


def test_when_a_first_saving_breaks_off_there_is_no_folder(tmp_path: Path, domains: DomainSet) -> None:
    with pytest.raises(ValueError, match="broken"):
        save_model(tmp_path / "new", _Failing(ValueError("broken")), domains, np.full(3, 0.5), config={})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_folders_above_are_made_and_an_empty_one_is_used(tmp_path: Path, domains: DomainSet) -> None:
    _save_words(tmp_path / "a" / "b", domains, "巡逻")
    (tmp_path / "empty").mkdir()
    _save_words(tmp_path / "empty", domains, "巡逻")
    assert _bytes_of(tmp_path / "a" / "b")["lexicon.json"] == _bytes_of(tmp_path / "empty")["lexicon.json"]


def test_a_model_can_be_read_by_everyone(tmp_path: Path, domains: DomainSet) -> None:
    _save_words(tmp_path / "model", domains, "巡逻")
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o755


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path, domains: DomainSet) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds something that is not a model\. Choose another folder\."):
        _save_words(tmp_path, domains, "巡逻")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_file_is_never_replaced_by_a_model(tmp_path: Path, domains: DomainSet) -> None:
    (tmp_path / "model").write_text("mine")
    with pytest.raises(OutputError, match="holds something that is not a model"):
        _save_words(tmp_path / "model", domains, "巡逻")
    with pytest.raises(OutputError, match=r"cannot be written \((Not a directory|File exists)\)"):
        _save_words(tmp_path / "model" / "below", domains, "巡逻")
    assert (tmp_path / "model").read_text() == "mine"


def test_the_version_follows_what_the_model_does(tmp_path: Path, domains: DomainSet) -> None:
    versions = []
    for word in ("巡逻", "巡防", "巡逻"):
        _save_words(tmp_path / "model", domains, word)
        versions.append(load_model(tmp_path / "model").version)
    assert versions[0] == versions[2] != versions[1]


def test_everything_but_the_estimators_is_json(tfidf_folder: Path) -> None:
    for name in ("combiner.json", "decision.json", "domains.json", "manifest.json"):
        assert isinstance(json.loads((tfidf_folder / name).read_text()), dict)


def test_a_manifest_of_another_program_is_no_model_to_be_replaced(tmp_path: Path, domains: DomainSet) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "an extension"}')
    (tmp_path / "script.js").write_text("")
    with pytest.raises(OutputError, match="holds something that is not a model"):
        _save_words(tmp_path, domains, "巡逻")
    assert (tmp_path / "script.js").exists()


def test_a_model_with_files_of_others_is_not_replaced(folder: Path, domains: DomainSet) -> None:
    (folder / "notes.txt").write_text("")
    with pytest.raises(OutputError, match="holds something that is not a model"):
        _save_words(folder, domains, "巡逻")
    assert (folder / "notes.txt").exists()


def test_behind_a_link_the_folder_is_replaced(tmp_path: Path, folder: Path, domains: DomainSet) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    _save_words(link, domains, "巡逻")
    assert link.is_symlink()
    assert load_model(folder).manifest.kind == "lexicon"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "link"]


def test_a_folder_of_runs_is_told_from_a_model_with_its_runs(tmp_path: Path, domains: DomainSet) -> None:
    for place in ("runs/a/model", "runs/b/model", "runs/seeds/1/model", "runs/.c/model", "runs/d"):
        _save_words(tmp_path / place, domains, "巡逻")
    runs = tmp_path / "runs"
    with pytest.raises(ModelError) as error:
        find_model(runs)
    listed = ", ".join(str(runs / name) for name in ("a", "b", "d", "seeds/1"))
    assert str(error.value) == f"{runs}: holds 4 models, expected one itself. Give one of them: {listed}."
    assert [find_model(runs / name).name for name in ("a", "d", "seeds/1")] == ["model", "d", "model"]


def test_a_long_list_of_runs_is_cut_short(tmp_path: Path, domains: DomainSet) -> None:
    for number in range(12):
        _save_words(tmp_path / f"{number:02d}", domains, "巡逻")
    with pytest.raises(ModelError, match=r"holds 12 models, .*/09 and 2 more\.$"):
        find_model(tmp_path)


@pytest.mark.parametrize("threshold", ["NaN", "0", "1", "-1", "Infinity"])
def test_a_threshold_that_is_none_is_refused(folder: Path, threshold: str) -> None:
    decision = json.loads((folder / "decision.json").read_text(encoding="utf-8"))
    decision["thresholds"]["patrol"] = float(threshold)
    (folder / "decision.json").write_text(json.dumps(decision), encoding="utf-8")
    _seal(folder)
    with pytest.raises(ModelError, match="expected numbers between 0 and 1"):
        load_model(folder)


def test_a_classifier_of_other_domains_is_refused(tmp_path: Path, domains: DomainSet) -> None:
    _save_words(tmp_path / "words", domains, "巡逻")
    LexiconClassifier([["巡逻"]], [[]]).save(tmp_path / "words")
    _seal(tmp_path / "words")
    with pytest.raises(ModelError, match="scores of 1 domains, expected 3"):
        load_model(tmp_path / "words")
