"""Models on disk: a folder that is written whole or not at all, and checked when read."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from tagger.folders import replace_folder
from tagger.models.card import write_card
from tagger.models.classifier import Classifier
from tagger.models.manifest import (
    CARD,
    Manifest,
    check_files,
    checksums,
    is_model_folder,
    read_manifest,
    version_of,
)
from tagger.models.manifest import FILE as MANIFEST
from tagger.models.precedents import PrecedentFiles, Precedents, open_precedents
from tagger.models.selective import Selective, load_selective

#: kind -> (module, class); imported when a model of the kind is opened.
_KINDS = {
    "lexicon": ("tagger.models.lexicon", "LexiconClassifier"),
    "tfidf": ("tagger.models.tfidf", "TfidfClassifier"),
    "bert": ("tagger.models.bert", "BertClassifier"),
    "onnx": ("tagger.models.onnx_bert", "OnnxClassifier"),
}
#: Models named in an error.
_MOST_LISTED = 10
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
    selective : Selective, optional
        Bounds between yes, ask a person and no, if the model has some.
    precedents : Precedents or PrecedentFiles, optional
        Labelled sentences of its training data, if it has kept some.
    is_asking : bool, default=False
        Whether it answers by its bounds rather than by its thresholds, see `asking`.
    """

    classifier: Classifier
    domains: DomainSet
    thresholds: np.ndarray
    config: dict[str, Any]
    manifest: Manifest
    selective: Selective | None = None
    precedents: Precedents | PrecedentFiles | None = None
    is_asking: bool = False

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

    def asking(self) -> Model:
        """The model that answers yes, no, or ask a person; a `ModelError` if it has no bounds for that."""
        if self.selective is None:
            raise ModelError(
                "has no bounds for answers that ask a person, expected selective.json", where=f"model {self.name}",
                hint="Train the model again with this version of tagger, or leave --ask out.",
            )  # fmt: skip
        return replace(self, is_asking=True)

    def answer(self, y_proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which domains scores are tagged with, and which a person is asked about.

        Parameters
        ----------
        y_proba : ndarray of shape (n_texts, n_domains)

        Returns
        -------
        tuple of two ndarray, bool, each like `y_proba`
            The second is all False unless the model is `asking`.
        """
        if self.is_asking and self.selective is not None:
            return self.selective.answer(y_proba)
        return y_proba >= self.thresholds, np.zeros(y_proba.shape, dtype=bool)


def save_model(
    folder: str | Path, classifier: Classifier, domains: DomainSet, thresholds: np.ndarray, *,
    config: Mapping[str, Any], name: str = "", seed: int = 0,
    data: Mapping[str, Any] | None = None, metrics: Mapping[str, Any] | None = None,
    selective: Selective | None = None, precedents: Precedents | PrecedentFiles | None = None,
) -> Manifest:  # fmt: skip
    """Write a model folder with its card, in the place of one that is there.

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
        if selective is not None:
            selective.save(temporary, domains.ids)
        if precedents is not None:
            precedents.save(temporary)
        files = checksums(temporary)
        manifest = Manifest(
            kind=classifier.kind, name=name or folder.name, version=version_of(files),
            normalizer_version=normalize.VERSION, domains_version=domains.version,
            tagger_version=tagger.__version__, seed=seed, data=dict(data or {}),
            libraries=_library_versions(classifier.kind), metrics=dict(metrics or {}), files=files,
        )  # fmt: skip
        write_card(
            temporary / CARD, manifest, domains, thresholds, config=config, selective=selective,
            n_precedents=0 if precedents is None else len(precedents),
        )  # fmt: skip
        manifest = replace(manifest, files=checksums(temporary))
        manifest.write(temporary)
        return manifest

    return replace_folder(folder, fill)


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
    selective = load_selective(folder, domains.ids)
    return Model(classifier, domains, thresholds, config, manifest, selective, open_precedents(folder))


def _check_columns(classifier: Classifier, domains: DomainSet, folder: Path) -> None:
    try:
        n_columns = classifier.predict_proba([]).shape[1]
    except (ValueError, AttributeError, TypeError, IndexError) as error:
        raise ModelError(f"its parts do not fit each other ({error})", where=folder) from None
    # No text was scored: what is behind a signal is asked by itself.
    parts = {name: getattr(classifier, name, None) for name in ("lexicon", "ngrams")}
    counts = {"": n_columns, **{f" by its {name}": part.n_domains for name, part in parts.items() if part is not None}}
    for whose, count in counts.items():
        if count != len(domains):
            raise ModelError(
                f"scores of {count} domains{whose}, expected {len(domains)}", where=folder,
                hint="Train the model again or fetch it anew.",
            )  # fmt: skip


def _checked_thresholds(values: list[Any]) -> np.ndarray:
    thresholds = np.array([float(value) for value in values])
    if not ((thresholds > 0) & (thresholds < 1)).all():  # of NaN too, which would tag nothing
        raise ValueError(f"thresholds {thresholds.tolist()}, expected numbers between 0 and 1")
    return thresholds


def find_model(model: str | Path) -> Path:
    """The folder of a model given by shipped name or by path; a `ModelError` if there is none, or several.

    A run folder, which `tagger train` writes, stands for the model in it.
    """
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    folder = Path(model)
    if folder.is_dir():
        if (folder / MANIFEST).exists():
            return folder
        if (folder / "model" / MANIFEST).is_file():
            return folder / "model"
        _refuse_several(folder)
        return folder
    raise ModelError(
        "no such model", where=model,
        hint=f"Give a folder, or one of: {', '.join(shipped) or '(none ship)'}.",
    )  # fmt: skip


def _refuse_several(folder: Path) -> None:
    """A `ModelError` that lists them if a folder holds models or runs rather than being one."""
    # Models side by side, runs, and the runs of a multirun in a folder of theirs.
    found = {path.parent for place in ("*", "*/model", "*/*/model") for path in folder.glob(f"{place}/{MANIFEST}")}
    names = sorted({str(place.parent if place.name == "model" else place) for place in found})
    shown = [name for name in names if not any(part.startswith(".") for part in Path(name).relative_to(folder).parts)]
    if not shown:
        return
    more = f" and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    raise ModelError(
        f"holds {len(shown)} model{'s' if len(shown) > 1 else ''}, expected one itself", where=folder,
        hint=f"Give one of them: {', '.join(shown[:_MOST_LISTED])}{more}.",
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


def _library_versions(kind: str) -> dict[str, str]:
    return {name: metadata.version(name) for name in (*_LIBRARIES, *_MORE_LIBRARIES.get(kind, ()))}


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
