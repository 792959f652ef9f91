"""What annotators said, as arrays: annotators by units by domains, gaps kept apart from "no domain".

Reads the ``annotations.jsonl`` that `tagger labels pull` writes; needs no server.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.sentences import split_sentences
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError

log = logging.getLogger(__name__)

#: The file that stands for a folder of `tagger labels pull`.
FILE = "annotations.jsonl"
#: A cell of `Opinions.labels` where the annotator gave no labels.
MISSING = -1
_HINT = "See tagger labels pull, which writes this form."


@dataclass(frozen=True)
class Unit:
    """What is labelled: a paragraph, or one sentence of it.

    Attributes
    ----------
    uid : str
        The task's stable id.
    bulletin : str
    paragraph : int
    sentence : int or None
        None for the whole paragraph.
    text : str
    """

    uid: str
    bulletin: str
    paragraph: int
    sentence: int | None
    text: str


@dataclass(frozen=True)
class Opinion:
    """One annotator's labels of one unit, as a line of the file states them.

    Attributes are those of `Opinions`; ``recheck`` says why the labels do not count until somebody
    has looked again (a domain was split, say), "" where they stand.
    """

    unit: Unit
    annotator: str
    domains: tuple[str, ...]
    skipped: bool
    time: float
    lead_time: float
    origin: str
    recheck: str


@dataclass(frozen=True)
class Opinions:
    """All labels of all annotators.

    Attributes
    ----------
    domains : DomainSet
    units : list of Unit
        Length n_units, in the order in which the files name them.
    annotators : tuple of str
        Length n_annotators, in alphabetical order, models last.
    labels : ndarray of shape (n_annotators, n_units, n_domains), int8
        0 or 1; -1 in every domain where the annotator gave none (unlabelled or skipped).
    skipped : ndarray of shape (n_annotators, n_units), bool
        Seen, and passed over on purpose.
    times : ndarray of shape (n_annotators, n_units), float64
        Seconds since 1970, nan where unknown.
    lead_times : ndarray of shape (n_annotators, n_units), float64
        Seconds of work, nan where unknown.
    origins : ndarray of shape (n_annotators, n_units), str
        ``manual``, ``prediction`` (accepted as it was), ``prediction-changed`` or "".
    n_models : int
        How many of the last annotators are models.
    """

    domains: DomainSet
    units: list[Unit]
    annotators: tuple[str, ...]
    labels: np.ndarray
    skipped: np.ndarray
    times: np.ndarray
    lead_times: np.ndarray
    origins: np.ndarray
    n_models: int = 0

    def __len__(self) -> int:
        return len(self.units)

    @property
    def given(self) -> np.ndarray:
        """Where there are labels, an empty set included: bool, shape (n_annotators, n_units)."""
        return self.labels[:, :, 0] != MISSING

    @property
    def bulletins(self) -> np.ndarray:
        """The bulletin of each unit, str, shape (n_units,)."""
        return np.array([unit.bulletin for unit in self.units])

    @property
    def people(self) -> Opinions:
        """The same without models."""
        n = len(self.annotators) - self.n_models
        return self._rows(np.arange(n), n_models=0)

    def only(self, names: Sequence[str]) -> Opinions:
        """The named annotators' labels alone, all units kept.

        Raises
        ------
        InputError
            There is no annotator of that name.
        """
        unknown = [name for name in names if name not in self.annotators]
        if unknown:
            raise InputError(
                f"no annotator {unknown[0]!r} in these files", hint=f"There are: {', '.join(self.annotators)}."
            )
        rows = np.array([i for i, name in enumerate(self.annotators) if name in names])
        first_model = len(self.annotators) - self.n_models
        return self._rows(rows, n_models=int((rows >= first_model).sum()))

    def with_model(self, name: str, y_pred: np.ndarray) -> Opinions:
        """A model's tags as one more annotator; `y_pred` has shape (n_units, n_domains), 0 or 1."""
        empty = np.zeros((1, len(self)), dtype=bool)
        unknown = np.full((1, len(self)), np.nan)
        return replace(
            self, annotators=(*self.annotators, name), n_models=self.n_models + 1,
            labels=np.concatenate([self.labels, y_pred[None].astype(np.int8)]),
            skipped=np.concatenate([self.skipped, empty]), times=np.concatenate([self.times, unknown]),
            lead_times=np.concatenate([self.lead_times, unknown]),
            origins=np.concatenate([self.origins, np.full((1, len(self)), "")]),
        )  # fmt: skip

    def take(self, units: np.ndarray) -> Opinions:
        """The units at the given numbers, or where a mask is true."""
        units = np.flatnonzero(units) if units.dtype == bool else units
        return replace(
            self, units=[self.units[i] for i in units], labels=self.labels[:, units], skipped=self.skipped[:, units],
            times=self.times[:, units], lead_times=self.lead_times[:, units], origins=self.origins[:, units],
        )  # fmt: skip

    def _rows(self, rows: np.ndarray, n_models: int) -> Opinions:
        return replace(
            self, annotators=tuple(self.annotators[i] for i in rows), labels=self.labels[rows],
            skipped=self.skipped[rows], times=self.times[rows], lead_times=self.lead_times[rows],
            origins=self.origins[rows], n_models=n_models,
        )  # fmt: skip


def read_opinions(paths: Iterable[str | Path], domains: DomainSet, *, level: str = "paragraph") -> Opinions:
    """The annotations in files, or in folders of `tagger labels pull`.

    Parameters
    ----------
    paths : iterable of path
        Files of JSON lines, or folders that hold ``annotations.jsonl``.
    domains : DomainSet
    level : {"paragraph", "sentence"}
        Of paragraphs, an annotator's line for the whole paragraph counts, and the union of
        the lines for its sentences where there is none; of sentences, only lines that name one.

    Returns
    -------
    Opinions
        Where one annotator labelled a unit twice, the newest labels.

    Raises
    ------
    InputError
        A file that cannot be read, a line that is no annotation, or no annotation at all;
        names the line.
    CorpusError
        A label that is no domain; names the line and the task.
    """
    paths = list(paths)
    found = [opinion for path in paths for opinion in _read_file(_file_of(Path(path)), domains)]
    standing = [opinion for opinion in found if not opinion.recheck]
    if len(standing) < len(found):
        log.warning("%d annotations must be looked at again and do not count", len(found) - len(standing))
    kept = _newest(_at_level(standing, level))
    if not kept:
        raise InputError(
            f"no annotation of a {level} in {len(found)} lines", where=", ".join(map(str, paths)),
            hint="Label some tasks and pull, or choose another --level.",
        )  # fmt: skip
    return _as_arrays(kept, domains)


def _file_of(path: Path) -> Path:
    return path / FILE if path.is_dir() else path


def _read_file(path: Path, domains: DomainSet) -> Iterator[Opinion]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint=_HINT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 ({error})", where=path) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield from _opinions(line, f"{path}:{number}", domains)


def _opinions(line: str, where: str, domains: DomainSet) -> Iterator[Opinion]:
    """What a line says of its unit, and of the unit's sentences where it tells them apart."""
    data, whole = _opinion(line, where, domains)
    yield whole
    by_sentence = data.get("sentences")
    if not isinstance(by_sentence, list) or whole.skipped or whole.unit.sentence is not None:
        return
    spans = split_sentences(whole.unit.text)
    texts = [whole.unit.text[start:end] for start, end in spans]
    for number, labels in enumerate(by_sentence):
        if labels is not None:
            known = _known_labels(labels, domains, where, whole.unit.uid)
            text = texts[number] if len(texts) == len(by_sentence) else whole.unit.text
            yield replace(whole, unit=replace(whole.unit, sentence=number, text=text), domains=known)


def _opinion(line: str, where: str, domains: DomainSet) -> tuple[dict[str, Any], Opinion]:
    """A line as it stands, and what it says of its own unit."""
    try:
        data = json.loads(line)
        unit = _unit(data)
        annotator, status, labels = data["annotator"], data["status"], data["domains"]
        time, lead_time = _time(data.get("created")), _seconds(data.get("lead_time"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise InputError(f"not an annotation ({type(error).__name__}: {error})", where=where, hint=_HINT) from None
    if isinstance(annotator, bool) or not isinstance(annotator, (str, int)) or not str(annotator).strip():
        raise InputError(f"found annotator {annotator!r}, expected a name", where=where, hint=_HINT)
    if status not in ("labelled", "skipped"):
        raise InputError(f"found status {status!r}, expected labelled or skipped", where=where, hint=_HINT)
    known = _known_labels(labels, domains, where, unit.uid)
    return data, Opinion(
        unit, str(annotator), known, skipped=status == "skipped", time=time, lead_time=lead_time,
        origin=_text(data, "origin"), recheck=_text(data, "recheck"),
    )  # fmt: skip


def _unit(data: dict[str, Any]) -> Unit:
    uid, text, sentence = data["uid"], data["text"], data.get("sentence")
    if not isinstance(uid, str) or not uid or not isinstance(text, str):
        raise ValueError(f"found uid {uid!r}, expected a task's id and its text")
    if sentence is not None and (isinstance(sentence, bool) or not isinstance(sentence, int)):
        raise ValueError(f"found sentence {sentence!r}, expected a number")
    return Unit(uid, str(data["bulletin"]), int(data["paragraph"]), sentence, text)


def _time(created: Any) -> float:
    """Seconds since 1970 of an ISO time; one without a zone is UTC."""
    if created is None:
        return float("nan")
    moment = datetime.fromisoformat(created)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _seconds(lead_time: Any) -> float:
    return float("nan") if lead_time is None else float(lead_time)


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _known_labels(labels: Any, domains: DomainSet, where: str, uid: str) -> tuple[str, ...]:
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError(
            f"task {uid}: found domains {labels!r}, expected a list of domain ids", where=where,
            hint="[] stands for none.",
        )  # fmt: skip
    try:
        domains.encode([labels])
    except CorpusError as error:
        raise CorpusError(f"task {uid}: {error.message}", where=where, hint=error.hint) from None
    return tuple(labels)


def _at_level(opinions: Sequence[Opinion], level: str) -> list[Opinion]:
    if level == "sentence":
        return [o for o in opinions if o.unit.sentence is not None]
    whole = [o for o in opinions if o.unit.sentence is None]
    named = {(o.unit.uid, o.annotator) for o in whole}
    by_task: dict[tuple[str, str], list[Opinion]] = {}
    for opinion in opinions:
        if opinion.unit.sentence is not None and (opinion.unit.uid, opinion.annotator) not in named:
            by_task.setdefault((opinion.unit.uid, opinion.annotator), []).append(opinion)
    return whole + [_union(sentences) for sentences in by_task.values()]


def _union(opinions: list[Opinion]) -> Opinion:
    """One opinion on a paragraph from those on its sentences; skipped if all of them are."""
    newest = {o.unit.sentence: o for o in sorted(opinions, key=_age)}
    kept = [newest[number] for number in sorted(newest)]  # type: ignore[type-var]
    unit = replace(kept[0].unit, sentence=None, text="".join(o.unit.text for o in kept))
    labels = tuple(dict.fromkeys(label for o in kept if not o.skipped for label in o.domains))
    last = max(kept, key=_age)
    return replace(last, unit=unit, domains=labels, skipped=all(o.skipped for o in kept))


def _age(opinion: Opinion) -> float:
    """Oldest first; an annotation without a time is older than one with it."""
    return -np.inf if np.isnan(opinion.time) else opinion.time


def _newest(opinions: list[Opinion]) -> list[Opinion]:
    """One opinion an annotator and unit: the newest, of equally new ones the last in the files."""
    kept: dict[tuple[str, int | None, str], Opinion] = {}
    for opinion in opinions:
        key = opinion.unit.uid, opinion.unit.sentence, opinion.annotator
        if key not in kept or _age(opinion) >= _age(kept[key]):
            kept[key] = opinion
    if len(kept) < len(opinions):
        log.warning("%d annotations were made again later; the newest count", len(opinions) - len(kept))
    return list(kept.values())


def _as_arrays(opinions: list[Opinion], domains: DomainSet) -> Opinions:
    units: dict[tuple[str, int | None], Unit] = {}
    for opinion in opinions:
        units.setdefault((opinion.unit.uid, opinion.unit.sentence), opinion.unit)
    columns = {key: i for i, key in enumerate(units)}
    annotators = tuple(sorted({o.annotator for o in opinions}))
    shape = len(annotators), len(units)
    labels = np.full((*shape, len(domains)), MISSING, dtype=np.int8)
    skipped, origins = np.zeros(shape, dtype=bool), np.full(shape, "", dtype="U32")
    times, lead_times = np.full(shape, np.nan), np.full(shape, np.nan)
    for o in opinions:
        cell = annotators.index(o.annotator), columns[o.unit.uid, o.unit.sentence]
        skipped[cell], origins[cell], times[cell], lead_times[cell] = o.skipped, o.origin, o.time, o.lead_time
        if not o.skipped:
            labels[cell] = domains.encode([o.domains])[0]
    return Opinions(domains, list(units.values()), annotators, labels, skipped, times, lead_times, origins)
