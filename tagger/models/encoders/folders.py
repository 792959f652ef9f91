"""Encoder folders: found by name, built or fetched, checked.

A folder has ``config.json`` of a BERT, ``model.safetensors`` and ``tokenizer.json``; ours has
``provenance.json`` beside them.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tagger.errors import ModelError
from tagger.folders import replace_folder, user_cache
from tagger.models.encoders import hub, packaged, provenance
from tagger.models.encoders.inspection import (
    CONFIG,
    NEEDED,
    TOKENIZER,
    VOCABULARY,
    WEIGHTS,
    check_encoder,
    measure,
    read_object,
)
from tagger.models.encoders.provenance import check_provenance, write_provenance

PACKAGED = "packaged"
_COPIED = (*NEEDED, VOCABULARY, "README.md", "LICENSE", "LICENSE.txt", "LICENSE.md")
_LOGGER = logging.getLogger(__name__)


def find_encoder(name: str) -> Path:
    """The folder of an encoder; the hub is never asked.

    Parameters
    ----------
    name : str
        ``packaged``, which is built on first use and kept in `cache_folder`; a folder; a short
        name of `hub.KNOWN` or ``owner/name``, if the local Hugging Face cache has it.

    Returns
    -------
    Path
        With ``config.json``, ``model.safetensors`` and ``tokenizer.json``, checked.

    Raises
    ------
    ModelError
        There is none, it is damaged, or it is no BERT in safetensors.
    """
    if name == PACKAGED:
        return _kept(packaged_folder(), _fill_packaged)
    folder = _given(name) or _find_fetched(name)
    check_encoder(folder)
    return folder


def get_encoder(name: str, folder: Path, *, revision: str = hub.MAIN) -> dict[str, Any]:
    """Build, fetch or copy an encoder into a folder, which is written whole or not at all.

    Parameters
    ----------
    name : str
        As for `find_encoder`; of the hub it is fetched if it is not in the local cache.
    folder : Path
        May hold an encoder written by this function before, which is replaced.
    revision : str, default="main"
        Of a repository of the hub.

    Returns
    -------
    dict
        Its provenance.

    Raises
    ------
    ModelError
        See `find_encoder` and `hub.fetch`.
    OutputError
        The folder cannot be written or holds something else.
    """
    provenance.refuse_foreign(folder)
    replace_folder(folder, _filler(name, revision))
    return check_provenance(folder)


def _given(name: str) -> Path | None:
    """The folder that a name is, if it is one; it goes before the hub's."""
    folder = Path(os.path.expanduser(name))
    return folder if name and folder.is_dir() else None


def _filler(name: str, revision: str) -> Callable[[Path], object]:
    if name == PACKAGED:
        return _fill_packaged
    if given := _given(name):
        return lambda folder: _adopt(given, folder, _facts_of_folder(given))
    repository = hub.repository(name)
    if repository is None:
        raise _not_here(name)
    source = hub.find_cached(repository, revision) or hub.fetch(repository, revision)
    return lambda folder: _adopt(source, folder, _facts_of_repository(repository, source))


def cache_folder() -> Path:
    """Where encoders are kept: ``$TAGGER_CACHE``, or the platform's folder for such, and ``encoders`` in it."""
    return user_cache() / "encoders"


def packaged_folder() -> Path:
    """Where the packaged encoder of this version is kept, whether it is there or not."""
    return cache_folder() / f"{PACKAGED}-{packaged.VERSION}"


def _kept(folder: Path, fill: Callable[[Path], object]) -> Path:
    """A folder of the cache, filled if it is not there or damaged."""
    if not _is_sound(folder):
        if folder.exists():
            _LOGGER.warning("%s is damaged; it is written again", folder)
        replace_folder(folder, fill, keep=_is_sound)
    return folder


def _is_sound(folder: Path) -> bool:
    try:
        return set(NEEDED) <= set(check_provenance(folder)["files"])
    except ModelError:
        return False


def _fill_packaged(folder: Path) -> None:
    from tagger.models.encoders.parity import check_parity

    facts = packaged.build(packaged.find_package(), folder)
    parity = check_parity(folder)
    write_provenance(folder, {**facts, "parity": parity._asdict()})


def _find_fetched(name: str) -> Path:
    """A repository in the local Hugging Face cache; one without ``tokenizer.json`` is kept by us with one."""
    repository = hub.repository(name)
    source = hub.find_cached(repository) if repository else None
    if repository is None or source is None:
        raise _not_here(name)
    if (source / TOKENIZER).is_file():
        return source
    folder = cache_folder() / f"{repository.replace('/', '--')}-{source.name[:12]}"
    return _kept(folder, lambda made: _adopt(source, made, _facts_of_repository(repository, source)))


def _not_here(name: str) -> ModelError:
    repository = hub.repository(name)
    if repository is None:
        names = ", ".join((PACKAGED, *hub.KNOWN))
        return ModelError("no such encoder", where=name, hint=f"Give a folder, {names}, or OWNER/NAME of the hub.")
    return ModelError(
        "this encoder is not on this machine", where=repository,
        hint=f"Fetch it with `tagger encoders get {name} --to DIR` and give model.encoder.name=DIR, "
        "or use the packaged one, which needs no network (model/encoder=packaged).",
    )  # fmt: skip


def _facts_of_folder(folder: Path) -> dict[str, Any]:
    if (folder / provenance.FILE).is_file():
        return check_provenance(folder)
    return {"name": folder.resolve().name, "source": "a local folder", "licence": "not stated"}


def _facts_of_repository(repository: str, source: Path) -> dict[str, Any]:
    licences = {known.name: known.licence for known in hub.KNOWN.values()}
    licence = licences.get(repository, "see its README.md")
    return {"name": repository, "source": "Hugging Face hub", "revision": source.name, "licence": licence}


def _adopt(source: Path, folder: Path, facts: dict[str, Any]) -> None:
    """Copy what an encoder needs, with a ``tokenizer.json`` from ``vocab.txt`` if there is none."""
    for name in (CONFIG, WEIGHTS):
        if not (source / name).is_file():
            raise ModelError(f"no {name}", where=source, hint=f"Expected {', '.join(NEEDED)}.")
    if (source / TOKENIZER).is_file():
        measure(source)  # before some hundred megabytes are copied
    for name in _COPIED:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    if not (folder / TOKENIZER).is_file():
        _write_tokenizer(source, folder)
        measure(folder)
    write_provenance(folder, facts)


def _write_tokenizer(source: Path, folder: Path) -> None:
    """The WordPiece tokenizer that BERT cuts by, from its list of pieces."""
    from tokenizers import BertWordPieceTokenizer

    if not (source / VOCABULARY).is_file():
        raise ModelError(f"no {TOKENIZER} and no {VOCABULARY}", where=source)
    settings = source / "tokenizer_config.json"
    is_lower = read_object(settings).get("do_lower_case", True) if settings.is_file() else True
    try:
        made = BertWordPieceTokenizer(str(source / VOCABULARY), lowercase=bool(is_lower))
    except Exception as error:  # the library raises bare exceptions on a broken file
        raise ModelError(f"no list of BERT's pieces ({error})", where=source / VOCABULARY) from None
    made.save(str(folder / TOKENIZER))
