"""The manifest of a model folder: what is in it, what made it, and its checksums."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from tagger.errors import ModelError

FILE = "manifest.json"
#: The model card; its own module is `tagger.models.card`.
CARD = "README.md"
#: Raised when a folder written before can no longer be read.
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """What a model folder states about itself.

    Attributes
    ----------
    format : int
        Of the folder; another one than `FORMAT` is refused.
    kind : str
        Which classifier reads it: ``lexicon``, ``tfidf``, ``bert``, ``onnx``.
    name, version : str
        The version is a hash over the files: the same model, the same version.
    normalizer_version, domains_version : int
        A model trained on differently normalised text is refused.
    tagger_version : str
        Of the package that wrote it.
    seed : int
    data : dict
        ``hash``, ``n_bulletins``, ``n_texts`` of the training data; empty without training.
    libraries : dict
        Name -> version of what trained it.
    metrics : dict
        Out-of-fold figures of the training run.
    files : dict
        File name -> ``{"sha256", "bytes"}``, every file but the manifest.
    """

    kind: str
    name: str
    version: str
    normalizer_version: int
    domains_version: int
    tagger_version: str
    seed: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write ``manifest.json``."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises
    ------
    ModelError
        No folder, no manifest, or one that is damaged or of another format.
    """
    if not folder.is_dir():
        raise ModelError("no such model folder", where=folder, hint="See `tagger models list`.")
    try:
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if data.get("format") != FORMAT:
            raise ModelError(
                f"model format {data.get('format')!r}, expected {FORMAT}", where=folder / FILE,
                hint="Train it again with this version of tagger.",
            )  # fmt: skip
        return _checked(Manifest(**data))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"no readable manifest ({type(error).__name__})", where=folder / FILE,
            hint="Expected a folder written by `tagger train`.",
        ) from None  # fmt: skip


def _checked(manifest: Manifest) -> Manifest:
    """A TypeError unless every field holds what a manifest holds there."""
    for name, hint in get_type_hints(Manifest).items():
        kind = get_origin(hint) or hint
        if not isinstance(getattr(manifest, name), kind):
            raise TypeError(f"{name} is not {kind.__name__}")
    if not all(isinstance(entry, dict) for entry in manifest.files.values()):
        raise TypeError("files does not hold checksums")
    return manifest


def checksums(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> sha256 and size, in bytes, of every file below a folder but its manifest."""
    return {name: _checksum(folder / name) for name in _file_names(folder)}


def is_model_folder(folder: Path) -> bool:
    """Whether a folder has a manifest that lists whatever else is in it, damaged files included.

    Many programs have a ``manifest.json``; only ours lists every file beside it.
    """
    try:
        listed = json.loads((folder / FILE).read_text(encoding="utf-8"))["files"]
        return set(_file_names(folder)) <= set(listed)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _file_names(folder: Path) -> list[str]:
    paths = (p for p in folder.rglob("*") if p.is_file() and p != folder / FILE)
    return sorted(p.relative_to(folder).as_posix() for p in paths)


def version_of(files: dict[str, dict[str, Any]]) -> str:
    """A short version from the files' checksums; the card, which only tells of them, has no part in it."""
    text = json.dumps({name: entry["sha256"] for name, entry in files.items() if name != CARD}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_files(folder: Path, manifest: Manifest) -> None:
    """Refuse a folder whose files are not exactly those of its manifest.

    Raises
    ------
    ModelError
        Names the first missing, changed or foreign file.
    """
    found = checksums(folder)
    for name, entry in sorted(manifest.files.items()):
        if name not in found:
            raise _damaged(folder / name, "missing")
        if found[name] != entry:
            raise _damaged(folder / name, "damaged, its checksum is not the manifest's")
    foreign = sorted(set(found) - set(manifest.files))
    if foreign:
        raise ModelError(
            "a file that the manifest does not list", where=folder / foreign[0],
            hint="Remove it, or train the model again.",
        )  # fmt: skip


def _checksum(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _damaged(path: Path, found: str) -> ModelError:
    return ModelError(found, where=path, hint="Train the model again or fetch it anew.")
