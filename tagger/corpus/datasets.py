"""Hugging Face data sets: rows read from one, and examples as one, with declared features.

A folder written by ``save_to_disk`` needs no network; a name is looked up on the hub, and no code of a
repository is ever run (the library can no longer do so: the extra pins one of its versions that cannot).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.bulletins.context import TextInContext
from tagger.corpus.examples import Examples
from tagger.corpus.records import Fields, Row
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError, MissingExtraError
from tagger.folders import replace_folder, user_cache
from tagger.reachability import hub_host, is_hub_reachable, is_offline

if TYPE_CHECKING:
    from datasets import Dataset, Features

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_TEXTS = TextInContext._fields
#: Raised when a data set written before can no longer be read; part of the name in the cache.
_FORMAT = 1


def dataset_rows(path: str, fields: Fields, *, part: str = "train") -> Iterator[Row]:
    """The rows of a data set; labels that are numbers of a ``ClassLabel`` become their names.

    Parameters
    ----------
    path : str
        A folder written by ``save_to_disk``, or a name on the hub, ``name`` or ``owner/name``.
    fields : Fields
        Names of the columns; the first two must be there.
    part : str, default="train"
        Which part of a data set of several.

    Raises
    ------
    InputError
        There is no such folder or part, it lacks a column, or the hub cannot be reached,
        which is found out within about a second.
    MissingExtraError
        datasets is not installed.
    """
    dataset = _open(path, part)
    for name in (fields.text, fields.labels):
        if name not in dataset.column_names:
            raise InputError(
                f"found the columns {', '.join(map(repr, dataset.column_names))}, expected {name!r} too", where=path,
                hint="data.fields.text=NAME, data.fields.labels=NAME and so on tell what each is called.",
            )  # fmt: skip
    names = _label_names(dataset.features[fields.labels])
    dataset = dataset.select_columns([name for name in fields.names if name in dataset.column_names])
    for number, row in enumerate(dataset, start=1):
        where = f"{path}: row {number}"
        if names:
            row[fields.labels] = _named(row[fields.labels], names, where)
        yield Row(where, number, row)
    if not len(dataset):
        raise InputError("no rows in it", where=path)


def _open(path: str, part: str) -> Dataset:
    is_folder = Path(path).is_dir()
    if not is_folder:
        _check_name(path)
    datasets = _library()
    try:
        found = datasets.load_from_disk(path) if is_folder else datasets.load_dataset(path, split=part)
    except Exception as error:  # of three libraries, and whatever a damaged file makes them raise
        what = "not a data set folder" if is_folder else "the hub did not give it"
        hint = "Expected one written by save_to_disk." if is_folder else f"Check the name, and data.part={part}."
        raise InputError(f"{what} ({type(error).__name__}: {_brief(error)})", where=path, hint=hint) from None
    if isinstance(found, datasets.DatasetDict):
        if part not in found:
            raise InputError(f"no part {part!r}, it has {', '.join(found)}", where=path, hint="Give data.part=NAME.")
        found = found[part]
    return found


def _library() -> Any:
    if find_spec("datasets") is None:
        raise MissingExtraError("datasets", "train", "a data set of this kind")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import datasets

    datasets.disable_progress_bars()
    return datasets


def _brief(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def _check_name(path: str) -> None:
    if not _NAME.fullmatch(path):
        raise InputError("no such folder", where=path, hint="Give a folder written by save_to_disk, or owner/name.")
    # Offline by order, the library looks into its own cache, and says at once if there is nothing.
    if not is_offline("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE") and not is_hub_reachable():
        raise InputError(
            f"no such folder, and {hub_host()} cannot be reached", where=path,
            hint="Give a folder written by save_to_disk; HF_HUB_OFFLINE=1 takes what the local cache has.",
        )  # fmt: skip


def _label_names(feature: Any) -> list[str]:
    """The names behind numbered labels, [] for labels that are names already."""
    return list(getattr(getattr(feature, "feature", feature), "names", None) or [])


def _named(labels: Any, names: list[str], where: str) -> Any:
    if type(labels) is int:
        labels = [labels]
    if not isinstance(labels, list):
        return labels  # None: the row is told as one without labels
    if not all(type(label) is int and 0 <= label < len(names) for label in labels):
        raise InputError(f"found labels {labels!r:.60}, expected numbers from 0 to {len(names) - 1}", where=where,
                         hint="A negative number marks an unlabelled text: filter those out.")  # fmt: skip
    return [names[label] for label in labels]


def features(domains: DomainSet) -> Features:
    """What a row of examples holds: the text as written, as a model sees it, its context, place and labels."""
    datasets = _library()
    string = datasets.Value("string")
    return datasets.Features({
        "id": string, "bulletin": string, "paragraph": datasets.Value("int32"), "source": string,
        "text": string, "normalized": string, **dict.fromkeys(_TEXTS[1:], string),
        "noise": datasets.Value("bool"), "domains": datasets.List(datasets.ClassLabel(names=list(domains.ids))),
    })  # fmt: skip


def to_dataset(examples: Examples, domains: DomainSet) -> Dataset:
    """Examples as a data set; `from_dataset` gives the same examples back.

    Returns
    -------
    datasets.Dataset
        A row a text, noise included, with the `features`. ``text`` is as written and
        ``normalized`` what models read; ``domains`` holds column numbers named by the ids.
    """
    contexts = zip(*examples.texts, strict=True) if len(examples) else [[] for _ in _TEXTS]
    columns = dict(zip(("normalized", *_TEXTS[1:]), map(list, contexts), strict=True))
    return _library().Dataset.from_dict(
        {
            "id": examples.ids, "bulletin": examples.bulletins.tolist(), "paragraph": examples.paragraphs.tolist(),
            "source": examples.sources.tolist(), "text": examples.originals, **columns,
            "noise": examples.noise.tolist(), "domains": [np.flatnonzero(row).tolist() for row in examples.y_true],
        },
        features=features(domains),
    )  # fmt: skip


def from_dataset(dataset: Dataset, domains: DomainSet) -> Examples:
    """The examples of a data set that `to_dataset` made.

    Raises
    ------
    CorpusError
        Other features: another data set, or one of other domains.
    """
    if dataset.features != features(domains):
        raise CorpusError("found a data set with other columns or domains than these examples have",
                          hint="Read it with data=datasets.")  # fmt: skip
    columns = dataset.to_dict()
    y_true = np.zeros((len(dataset), len(domains)), dtype=np.int8)
    for row, labels in enumerate(columns["domains"]):
        y_true[row, labels] = 1
    texts = zip(*(columns[name] for name in ("normalized", *_TEXTS[1:])), strict=True)
    return Examples(
        [TextInContext(*text) for text in texts], y_true, np.array(columns["bulletin"], dtype=str),
        np.array(columns["paragraph"], dtype=int), np.array(columns["noise"], dtype=bool), columns["id"],
        sources=np.array(columns["source"], dtype=str), originals=columns["text"],
    )  # fmt: skip


def save_dataset(examples: Examples, domains: DomainSet, folder: str | Path) -> None:
    """Write examples as a folder for ``load_from_disk``, with ``domains.json``; there whole or not at all."""
    dataset = to_dataset(examples, domains)

    def fill(place: Path) -> None:
        dataset.save_to_disk(place)
        text = json.dumps(domains.to_dict(), ensure_ascii=False, indent=1)
        (place / "domains.json").write_text(text + "\n", encoding="utf-8")

    replace_folder(Path(folder), fill)


def cached_dataset(examples: Examples, domains: DomainSet) -> Path:
    """The folder of the user's cache in which these examples lie as a data set, written on first use.

    It is named by the sha256 of all that the data set holds: other data or domains make another folder.
    """
    folder = user_cache() / "datasets" / content_hash(examples, domains)[:32]
    if not (folder / "dataset_info.json").is_file():
        save_dataset(examples, domains, folder)
    return folder


def content_hash(examples: Examples, domains: DomainSet) -> str:
    """sha256 over everything in the data set of examples; wider than ``examples.hash``."""
    digest = hashlib.sha256(json.dumps([_FORMAT, examples.hash, domains.to_dict()], ensure_ascii=False).encode())
    places = zip(examples.bulletins, examples.paragraphs, examples.noise, examples.sources, examples.originals,
                 strict=True)  # fmt: skip
    for bulletin, paragraph, noise, source, original in places:
        row = [str(bulletin), int(paragraph), bool(noise), str(source), original]
        digest.update(json.dumps(row, ensure_ascii=False).encode())
    return digest.hexdigest()
