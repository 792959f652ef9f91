"""Run folders read back: scores, figures, configuration. What is in them is not trusted.

A run folder is what `tagger train` writes; every array and file is checked before a figure is
made of it, nothing is unpickled, and a file that claims to be huge is refused before it is read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tagger.domains import Domain, DomainSet
from tagger.errors import CorpusError, InputError
from tagger.evaluation.run_files import as_dict, parse_json, read_config, read_json, read_lines
from tagger.evaluation.scores import Scores, read_scores

FORMAT = 1
#: Part of a run -> the file of its scores.
PARTS = {"out_of_fold": "out_of_fold.npz", "test": "test.npz"}
_HINT = "Give a run folder, as tagger train writes it."


@dataclass(frozen=True)
class SentenceText:
    """A sentence of a run's data, for people to read; `uid` names the task it was labelled in, "" for none."""

    id: str
    bulletin: str
    paragraph: int
    text: str
    title: str
    uid: str = ""


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes
    ----------
    path : Path
        Its folder.
    name : str
        Its folder's name; `read_runs` makes names unique.
    facts : dict
        ``run.json``: kind, seed, data, libraries, machine and so on.
    config : dict
        ``config.yaml``.
    metrics : dict
        ``metrics.json``.
    domains : DomainSet
        With names and colours where the run has a model; else ids alone.
    out_of_fold, test : Scores or None
    """

    path: Path
    name: str
    facts: dict[str, Any]
    config: dict[str, Any]
    metrics: dict[str, Any]
    domains: DomainSet
    out_of_fold: Scores
    test: Scores | None = None

    @property
    def kind(self) -> str:
        """What was trained: tfidf, bert, …"""
        return str(self.facts.get("kind", ""))

    @property
    def seed(self) -> int | None:
        """The seed, None where the run does not say."""
        return self.facts.get("seed")

    @property
    def data_hash(self) -> str:
        """Of ids, texts and labels of its data; "" where the run does not say."""
        return str(self._part(self.facts, "data").get("hash") or "")

    @property
    def cost(self) -> dict[str, float]:
        """What it took: those of seconds, size_bytes, sentences_per_second, … that are numbers."""
        found = {**self._part(self.metrics, "cost")}
        found.setdefault("seconds", self.facts.get("seconds"))
        return {name: float(value) for name, value in found.items() if is_number(value)}

    def scores(self, part: str) -> Scores | None:
        """Of ``out_of_fold`` or ``test``; None if the run has no test scores."""
        return self.test if part == "test" else self.out_of_fold

    def figures(self, part: str = "out_of_fold", level: str = "sentence") -> dict[str, Any]:
        """The figures that the run wrote down of one part at one level; {} where it did not."""
        return self._part(self.metrics, part, "levels", level)

    @property
    def other_bulletins(self) -> dict[str, Any]:
        """F1 of the sentences, out of fold, each bulletin tagged by thresholds that were chosen on others.

        `figures` are by thresholds chosen on the very scores that they are of, which flatters them.

        Returns
        -------
        dict
            ``f1_micro`` and ``f1_macro`` in [0, 1], and ``interval_95`` unless an earlier version
            wrote the run; empty where the run does not say.
        """
        own = self._part(self.metrics, "thresholds", "other_bulletins")
        found = own or self._part(self.metrics, "thresholds", "gain", "shrunk")
        return found if all(is_number(found.get(name)) for name in ("f1_micro", "f1_macro")) else {}

    @property
    def split_hash(self) -> str:
        """Of the bulletins of every fold; "" where the run does not say."""
        return str(self.facts.get("split_hash") or "")

    @cached_property
    def sentences(self) -> dict[str, SentenceText]:
        """The sentences by id, read when first asked for.

        Raises
        ------
        InputError
            ``sentences.jsonl`` is missing or a line is not a sentence; names the line.
        """
        path = self.path / "sentences.jsonl"
        return {sentence.id: sentence for sentence in (_sentence(line, where) for line, where in read_lines(path))}

    @cached_property
    def curves(self) -> list[dict[str, Any]]:
        """The lines of ``curves.jsonl``; none where there is no such file."""
        path = self.path / "curves.jsonl"
        return [as_dict(parse_json(line, w), w) for line, w in read_lines(path)] if path.is_file() else []

    @staticmethod
    def _part(data: dict[str, Any], *names: str) -> dict[str, Any]:
        for name in names:
            found = data.get(name)
            data = found if isinstance(found, dict) else {}
        return data


def is_number(value: Any) -> bool:
    """A finite number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


def read_run(path: str | Path) -> Run:
    """Read a run folder.

    Raises
    ------
    InputError
        It is no run folder, a file is missing or damaged, or its parts do not fit each other.
    LimitError
        A file is larger than we are willing to read.
    """
    folder = Path(path)
    _check_folder(folder)
    facts = _check_format(read_json(folder / "run.json"), folder / "run.json")
    out_of_fold, ids = read_scores(folder / PARTS["out_of_fold"])
    test = None
    if (folder / PARTS["test"]).exists():
        test, test_ids = read_scores(folder / PARTS["test"])
        _check_equal(folder / PARTS["test"], test_ids, ids)
    return Run(
        folder, folder.resolve().name, facts, read_config(folder / "config.yaml"), read_json(folder / "metrics.json"),
        _read_domains(folder, ids), out_of_fold, test,
    )  # fmt: skip


def read_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Read run folders, and all runs of a folder that is none itself; every run once.

    The names that they get are as short as tells them apart: ``tfidf``, or ``a/tfidf`` and ``b/tfidf``.

    Raises
    ------
    InputError
        As of `read_run`, or a folder without any run in it.
    """
    folders: dict[Path, Path] = {}
    for path in map(Path, paths):
        found = [path] if is_run(path) else find_runs(path)
        if not found:
            _check_folder(path)
        folders.update({folder.resolve(): folder for folder in found})
    runs = [read_run(folder) for folder in folders.values()]
    return [replace(run, name=name) for run, name in zip(runs, _short_names(list(folders)), strict=True)]


def is_run(folder: Path) -> bool:
    """Whether a folder looks like one that a run has finished."""
    return (folder / "run.json").is_file() and not folder.name.endswith(".unfinished")


def find_runs(folder: Path) -> list[Path]:
    """The run folders in a folder, at any depth, in order of name; unfinished ones are none."""
    if not folder.is_dir():
        return []
    found = sorted(path.parent for path in folder.rglob("run.json") if is_run(path.parent))
    hidden = [
        f for f in found if any(p.startswith(".") or p.endswith(".unfinished") for p in f.relative_to(folder).parts)
    ]
    return [f for f in found if f not in hidden]


def _short_names(folders: Sequence[Path]) -> list[str]:
    """The last parts of each path, as many as tell it from all others."""
    names = [folder.name for folder in folders]
    for depth in range(2, max((len(f.parts) for f in folders), default=1) + 1):
        repeated = {name for name in names if names.count(name) > 1}
        names = ["/".join(f.parts[-depth:]) if n in repeated else n for n, f in zip(names, folders, strict=True)]
    return names


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise InputError("no such folder", where=folder, hint=_HINT)
    if not folder.is_dir():
        raise InputError("is a file, expected a run folder", where=folder, hint=_HINT)
    if not (folder / "run.json").is_file():
        unfinished = folder.name.endswith(".unfinished")
        raise InputError(
            "an unfinished run" if unfinished else "no run.json in it", where=folder,
            hint="Give the command that trained it again: it goes on where it stopped." if unfinished else _HINT,
        )  # fmt: skip


def _check_format(facts: dict[str, Any], where: Path) -> dict[str, Any]:
    if facts.get("format") != FORMAT:
        raise InputError(
            f"format {facts.get('format')!r}, expected {FORMAT}", where=where,
            hint="It may come from another version of tagger.",
        )  # fmt: skip
    return facts


def _sentence(line: str, where: str) -> SentenceText:
    found = as_dict(parse_json(line, where), where)
    try:
        text = SentenceText(
            found["id"], found["bulletin"], int(found["paragraph"]), found["text"], found.get("title") or "",
            found.get("uid") or "",
        )  # fmt: skip
        if all(isinstance(part, str) for part in (text.id, text.bulletin, text.text, text.title, text.uid)):
            return text
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError("not a sentence", where=where, hint="Expected id, bulletin, paragraph, text and title.")


def _check_equal(path: Path, found: tuple[str, ...], expected: tuple[str, ...]) -> None:
    if found != expected:
        raise InputError(f"domains {', '.join(found)}, expected {', '.join(expected)}, as out of fold", where=path)


def _read_domains(folder: Path, ids: tuple[str, ...]) -> DomainSet:
    """Names and colours come with the model; a run without one has ids alone."""
    path = folder / "model" / "domains.json"
    try:
        if not path.is_file():
            return DomainSet(Domain(id) for id in ids)
        domains = DomainSet.from_dict(read_json(path), where=path)
    except CorpusError as error:
        raise InputError(error.message, where=error.where or folder, hint=error.hint) from None
    _check_equal(folder / PARTS["out_of_fold"], ids, domains.ids)
    return domains


def same_domains(runs: Sequence[Run]) -> DomainSet:
    """The domains of all runs.

    Raises
    ------
    InputError
        Two runs have other domains, or in another order; names both.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.domains.ids != first.domains.ids:
            raise InputError(
                f"domains {', '.join(run.domains.ids)}, expected those of {first.name}: {', '.join(first.domains.ids)}",
                where=run.path, hint="Runs on other labels cannot stand side by side.",
            )  # fmt: skip
    return max((run.domains for run in runs), key=lambda domains: sum(bool(d.zh or d.en) for d in domains))


def flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested config with dotted keys; lists are values.

    Parameters
    ----------
    config : dict
    prefix : str, optional
        Put before every key.
    """
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def group_runs(runs: Sequence[Run], apart_from: Sequence[str] = ("seed", "output")) -> list[list[Run]]:
    """Runs of one configuration together, in the order in which they come.

    Parameters
    ----------
    runs : sequence of Run
    apart_from : sequence of str
        Dotted keys of the config in which the runs of a group may differ.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        flat = {key: value for key, value in flatten(run.config).items() if key not in apart_from}
        key = json.dumps([run.kind, flat], sort_keys=True, default=str)
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def share_of(run: Run) -> float:
    """The share of the bulletins that it was trained on, in (0, 1]; 1 where the config says nothing."""
    share = flatten(run.config).get("data.share", 1.0)
    return float(share) if is_number(share) else 1.0
