"""Models on disk: a folder that is written whole or not at all, and checked when read."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np

import tagger
from tagger.bulletins import normalize
from tagger.domains import DomainSet
from tagger.errors import CorpusError, ModelError, OutputError
from tagger.models.classifier import Classifier
from tagger.models.manifest import (
    Manifest,
    check_files,
    checksums,
    is_model_folder,
    read_manifest,
    version_of,
)

#: kind -> (module, class); imported when a model of the kind is opened.
_KINDS = {
    "lexicon": ("tagger.models.lexicon", "LexiconClassifier"),
    "tfidf": ("tagger.models.tfidf", "TfidfClassifier"),
    "bert": ("tagger.models.bert", "BertClassifier"),
    "onnx": ("tagger.models.onnx_bert", "OnnxClassifier"),
}
#: The model that `tagger predict` uses when none is named.
DEFAULT = "bert"
_DOMAINS, _DECISION = "domains.json", "decision.json"
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "skops", "rjieba", "opencc")
#: And what else trained or exported a model of a kind.
_MORE_LIBRARIES = {"bert": ("torch", "transformers", "tokenizers"), "onnx": ("torch", "onnxruntime", "tokenizers")}


@dataclass(frozen=True)
class Model:
    """A classifier with the domains and thresholds that turn its scores into tags.

    Attributes
    ----------
    classifier : Classifier
    domains : DomainSet
    thresholds : ndarray of shape (n_domains,)
        float64 in (0, 1).
    config : dict
        Resolved training configuration.
    manifest : Manifest
    """

    classifier: Classifier
    domains: DomainSet
    thresholds: np.ndarray
    config: dict[str, Any]
    manifest: Manifest

    @property
    def name(self) -> str:
        """Its name, for output."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Its version, for output."""
        return self.manifest.version

    def with_threshold(self, threshold: float | None) -> Model:
        """The model with one threshold in (0, 1) for all domains; unchanged for None."""
        if threshold is None:
            return self
        return replace(self, thresholds=np.full(len(self.domains), float(threshold)))


def save_model(
    folder: str | Path, classifier: Classifier, domains: DomainSet, thresholds: np.ndarray, *,
    config: Mapping[str, Any], name: str = "", seed: int = 0,
    data: Mapping[str, Any] | None = None, metrics: Mapping[str, Any] | None = None,
) -> Manifest:  # fmt: skip
    """Write a model folder, in the place of one that is there.

    It is written beside its place and renamed, so a reader sees the old model or the new, or
    for a moment none, and never a part of one. Behind a symbolic link, the folder is replaced.

    Raises
    ------
    OutputError
        The folder cannot be written (an old model stays), or its place holds something that is
        no model, or more than a model.
    """
    folder = Path(folder)
    refuse_foreign(folder)

    def fill(temporary: Path) -> Manifest:
        classifier.save(temporary)
        _write_json(temporary / _DOMAINS, domains.to_dict())
        decision = {"thresholds": dict(zip(domains.ids, map(float, thresholds), strict=True))}
        _write_json(temporary / _DECISION, {**decision, "config": dict(config)})
        files = checksums(temporary)
        manifest = Manifest(
            kind=classifier.kind, name=name or folder.name, version=version_of(files),
            normalizer_version=normalize.VERSION, domains_version=domains.version,
            tagger_version=tagger.__version__, seed=seed, data=dict(data or {}),
            libraries=_library_versions(classifier.kind), metrics=dict(metrics or {}), files=files,
        )  # fmt: skip
        manifest.write(temporary)
        return manifest

    return _replace_folder(folder, fill)


def load_model(model: str | Path = DEFAULT) -> Model:
    """Open a model by name (one that ships with the package) or by folder.

    Raises
    ------
    ModelError
        Unknown name, or a folder that is incomplete, damaged, foreign, of another
        format, or trained on differently normalised text.
    """
    folder = find_model(model)
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    if manifest.normalizer_version != normalize.VERSION:
        raise ModelError(
            f"trained on text of normaliser {manifest.normalizer_version}, this is "
            f"{normalize.VERSION}", where=folder, hint="Train it again.",
        )  # fmt: skip
    classifier_class = _classifier_class(manifest, folder)
    try:
        domains = DomainSet.from_dict(_read_json(folder / _DOMAINS), where=folder / _DOMAINS)
        decision = _read_json(folder / _DECISION)
        thresholds = _checked_thresholds([decision["thresholds"][id] for id in domains.ids])
        config = dict(decision["config"])
    except CorpusError as error:
        raise ModelError(error.message, where=error.where, hint=error.hint) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"not a model's decision file ({error!r})", where=folder / _DECISION) from None
    classifier = classifier_class.load(folder, config)
    _check_columns(classifier, domains, folder)
    return Model(classifier, domains, thresholds, config, manifest)


def _check_columns(classifier: Classifier, domains: DomainSet, folder: Path) -> None:
    try:
        n_columns = classifier.predict_proba([]).shape[1]
    except (ValueError, AttributeError, TypeError, IndexError) as error:
        raise ModelError(f"its parts do not fit each other ({error})", where=folder) from None
    if n_columns != len(domains):
        raise ModelError(
            f"scores of {n_columns} domains, expected {len(domains)}", where=folder,
            hint="Train the model again or fetch it anew.",
        )  # fmt: skip


def _checked_thresholds(values: list[Any]) -> np.ndarray:
    thresholds = np.array([float(value) for value in values])
    if not ((thresholds > 0) & (thresholds < 1)).all():  # of NaN too, which would tag nothing
        raise ValueError(f"thresholds {thresholds.tolist()}, expected numbers between 0 and 1")
    return thresholds


def find_model(model: str | Path) -> Path:
    """The folder of a model given by shipped name or by path; a `ModelError` if there is none."""
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    if Path(model).is_dir():
        return Path(model)
    raise ModelError(
        "no such model", where=model,
        hint=f"Give a folder, or one of: {', '.join(shipped) or '(none ship)'}.",
    )  # fmt: skip


def shipped_models() -> dict[str, Path]:
    """Name -> folder of the models inside the package."""
    root = Path(__file__).parent / "shipped"
    return {p.name: p for p in sorted(root.glob("*")) if (p / "manifest.json").is_file()}


@cache
def _class_of(kind: str) -> type[Classifier]:
    module, name = _KINDS[kind]
    return getattr(import_module(module), name)


def _classifier_class(manifest: Manifest, folder: Path) -> type[Classifier]:
    if manifest.kind not in _KINDS:
        raise ModelError(
            f"model kind {manifest.kind!r}, expected one of {', '.join(_KINDS)}", where=folder,
            hint="It may come from a newer version of tagger.",
        )  # fmt: skip
    return _class_of(manifest.kind)


def refuse_foreign(folder: str | Path) -> None:
    """An `OutputError` if a model may not be written here: the place holds something else."""
    folder = Path(folder)
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and not is_model_folder(folder):
        raise OutputError("holds something that is not a model", where=folder, hint="Choose another folder.")


def _replace_folder(folder: Path, fill: Callable[[Path], Manifest]) -> Manifest:
    """Fill a folder beside the place, then swap it in with two renames."""
    folder = folder.resolve()  # what a link points at, not the link
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=folder) from None
    try:
        manifest = fill(temporary)
        temporary.chmod(0o755)
        _sync(temporary)
        _swap_in(temporary, folder)
        return manifest
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=folder) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap_in(temporary: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(temporary, folder)
        return
    retired = temporary.with_name(f"{temporary.name}.old")
    os.rename(folder, retired)
    try:
        os.rename(temporary, folder)
    except OSError:
        os.rename(retired, folder)
        raise
    # The new model is in its place: what cannot be removed of the old one is no failure.
    shutil.rmtree(retired, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _library_versions(kind: str) -> dict[str, str]:
    return {name: metadata.version(name) for name in (*_LIBRARIES, *_MORE_LIBRARIES.get(kind, ()))}


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
