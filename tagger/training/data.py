"""The data that a config names: read by their kind, as bulletins with labels and as examples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tagger.corpus.authored import HEADER_KEYS, LabelledBulletin, corpus_files, load_labelled_bulletin
from tagger.corpus.damage import damaged_copies
from tagger.corpus.datasets import dataset_rows
from tagger.corpus.examples import Examples, examples_from_corpus
from tagger.corpus.label_studio import label_studio_records
from tagger.corpus.labels import infer_domains
from tagger.corpus.records import (
    LabelledRecord,
    Report,
    Row,
    bulletins_from_records,
    records_from_rows,
    refuse,
)
from tagger.corpus.tables import csv_rows, jsonl_rows, parquet_rows
from tagger.domains import DomainSet, load_domains
from tagger.errors import CorpusError, TaggerError, UsageError, did_you_mean
from tagger.project import project_path
from tagger.training.config import DataConfig, TrainConfig

KINDS = ("corpus", "jsonl", "csv", "parquet", "datasets", "label_studio")
#: What may count as the source of an authored bulletin.
_CORPUS_SOURCES = ("hand", *HEADER_KEYS)
_INFER = "infer"


def load_examples(config: TrainConfig) -> tuple[DomainSet, Examples, Examples]:
    """The domain set, the examples that a config names, and their damaged copies (often none).

    Raises
    ------
    InputError, CorpusError
        Data that cannot be read or break their format; the message says where.
    UsageError
        Settings that name no data.
    """
    domains, bulletins = load_bulletins(config.data)
    copies = damaged_copies(bulletins, config.augmentation, seed=config.seed)
    source = source_field(config.data)
    return domains, examples_from_corpus(bulletins, domains, source), examples_from_corpus(copies, domains, source)


def load_test(config: TrainConfig, domains: DomainSet) -> Examples | None:
    """The examples of ``data.test``, read like the others and labelled with the same domains; None if there are none.

    Raises
    ------
    InputError, CorpusError, UsageError
        As for `load_examples`; a label that training does not know is one of them.
    """
    if config.data.test is None:
        return None
    _, bulletins = load_bulletins(config.data, config.data.test, domains=domains)
    return examples_from_corpus(bulletins, domains, source_field(config.data))


def load_bulletins(
    data: DataConfig, path: str | None = None, *, domains: DomainSet | None = None, report: Report = refuse
) -> tuple[DomainSet, list[LabelledBulletin]]:
    """The domain set of a data config and its bulletins.

    Parameters
    ----------
    data : DataConfig
    path : str, optional
        Read this in the place of what the config names.
    domains : DomainSet, optional
        Take these in the place of what the config names.
    report : callable
        Is given what is wrong with a row, a task or a file of the corpus, which is then left out.

    Raises
    ------
    InputError, CorpusError, UsageError
        Nothing can be read at all.
    """
    _check(data)
    if data.kind == "corpus":
        if data.domains == _INFER:
            raise UsageError("the authored corpus has ids of a domain list", where="data.domains=infer",
                             hint="Give the list: data.domains=FILE.")  # fmt: skip
        domains = domains or load_domains(_domain_file(data))
        return domains, list(_authored(_corpus_folder(data, path), domains, report))
    place = _path(path or data.path, data.kind)
    records = list(_records(data, place, report))
    if domains is None:
        domains = _domains(data, records, place)
    return domains, _not_empty(bulletins_from_records(records, domains, report=report), place, report)


def describe_source(data: DataConfig) -> str:
    """Where the data come from, for the record of a run: their kind and what was read."""
    return f"{data.kind} {_corpus_folder(data, None) if data.corpus else data.path or 'labels/corpus'}"


def source_field(data: DataConfig) -> str:
    """The key of a bulletin's header that holds its source, see `tagger.corpus.examples.source_of`."""
    return data.fields.source or "" if data.kind == "corpus" else "source"


def _check(data: DataConfig) -> None:
    if data.kind not in KINDS:
        raise UsageError(f"unknown kind {data.kind!r}", where="data.kind", hint=did_you_mean(data.kind, KINDS))
    source = data.fields.source
    if data.kind == "corpus" and source is not None and source not in _CORPUS_SOURCES:
        hint = did_you_mean(source, _CORPUS_SOURCES)
        raise UsageError(f"unknown source {source!r}", where="data.fields.source", hint=hint)
    if data.kind != "corpus" and not data.path:
        raise UsageError("found no file, expected one", where="data.path", hint=f"Give data={data.kind} data.path=...")


def _path(path: str | None, kind: str) -> str:
    """A path as the shell would take it; a name on the hub stays as it is."""
    place = str(path or "")
    return str(Path(place).expanduser()) if place.startswith("~") else place


def _corpus_folder(data: DataConfig, path: str | None) -> Path:
    folder = path or data.corpus
    return Path(folder).expanduser() if folder else project_path("labels/corpus")


def _domain_file(data: DataConfig) -> Path:
    return Path(data.domains).expanduser() if data.domains else project_path("labels/domains.yaml")


def _domains(data: DataConfig, records: Iterable[LabelledRecord], place: str) -> DomainSet:
    if data.domains != _INFER:
        return load_domains(_domain_file(data))
    try:
        return infer_domains(label for record in records for label in record.labels)
    except CorpusError as error:
        raise CorpusError(error.message, where=place, hint=error.hint) from None


def _authored(folder: Path, domains: DomainSet, report: Report) -> Iterable[LabelledBulletin]:
    for path in corpus_files(folder):
        try:
            yield load_labelled_bulletin(path, domains)
        except TaggerError as problem:
            report(problem)


def _records(data: DataConfig, place: str, report: Report) -> Iterable[LabelledRecord]:
    if data.kind == "label_studio":
        return label_studio_records(place, data.fields, control=data.control, report=report)
    rows = _rows(data, place, report)
    return records_from_rows(
        rows, data.fields, separator=data.label_separator, report=report, setting="data.fields"
    )  # fmt: skip


def _rows(data: DataConfig, place: str, report: Report) -> Iterable[Row]:
    needed = (data.fields.text, data.fields.labels)
    if data.kind == "jsonl":
        return jsonl_rows(place, report=report)
    if data.kind == "csv":
        return csv_rows(place, needed, report=report)
    if data.kind == "parquet":
        return parquet_rows(place, needed, data.fields.names)
    return dataset_rows(place, data.fields, part=data.part)


def _not_empty(bulletins: list[LabelledBulletin], place: str, report: Report) -> list[LabelledBulletin]:
    if not bulletins and report is refuse:
        raise CorpusError("found no labelled text", where=place)
    return bulletins
