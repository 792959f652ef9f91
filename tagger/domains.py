"""The ordered set of domains: names <-> columns of every label and score array.

A core room: imports only `tagger.errors`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import CorpusError, did_you_mean

_ID = re.compile(r"[a-z][a-z0-9_]*")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Domain:
    """One domain: its id (column name), names, definition, colour and hotkey."""

    id: str
    zh: str = ""
    en: str = ""
    definition: str = ""
    color: str = "#888888"
    hotkey: str = ""


class DomainSet(Sequence[Domain]):
    """Domains in column order.

    Parameters
    ----------
    domains : iterable of Domain
        Ids must be unique, lower-case identifiers.
    version : int
        Raised whenever an id, the order or a meaning changes.

    Raises
    ------
    CorpusError
        No domain, a repeated or malformed id, a colour that is not ``#rrggbb``.
    """

    def __init__(self, domains: Iterable[Domain], version: int = 1) -> None:
        self._domains = tuple(domains)
        self.version = version
        self._column = {domain.id: i for i, domain in enumerate(self._domains)}
        self._check()

    def _check(self) -> None:
        if not self._domains:
            raise CorpusError("a domain set needs at least one domain")
        if len(self._column) != len(self._domains):
            raise CorpusError(f"repeated domain id in {[d.id for d in self._domains]}")
        for domain in self._domains:
            if not _ID.fullmatch(domain.id):
                raise CorpusError(f"domain id {domain.id!r}, expected lower-case letters, digits, _")
            if not _COLOR.fullmatch(domain.color):
                raise CorpusError(f"colour {domain.color!r} of domain {domain.id}, expected #rrggbb")

    def __getitem__(self, index):  # type: ignore[no-untyped-def,override]
        return self._domains[index]

    def __len__(self) -> int:
        return len(self._domains)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DomainSet) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.ids)

    @property
    def shown_names(self) -> dict[str, str]:
        """Id -> the name that annotators see: Chinese, where there is one."""
        return {domain.id: domain.zh or domain.en or domain.id for domain in self._domains}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in column order."""
        return tuple(self._column)

    def column(self, domain_id: str) -> int:
        """The column of a domain id; an unknown id is a `CorpusError` naming the closest one."""
        try:
            return self._column[domain_id]
        except KeyError:
            raise CorpusError(f"unknown domain {domain_id!r}", hint=did_you_mean(domain_id, self.ids)) from None

    def name(self, domain_id: str) -> str:
        """What people call a domain: its Chinese name; its id where it has none, or where it is not of this set."""
        found = self._column.get(domain_id)
        return domain_id if found is None else self._domains[found].zh or domain_id

    def encode(self, label_sets: Sequence[Iterable[str]]) -> np.ndarray:
        """Label sets as an indicator array, int8, shape (n_texts, n_domains)."""
        y = np.zeros((len(label_sets), len(self)), dtype=np.int8)
        for row, labels in enumerate(label_sets):
            for label in labels:
                y[row, self.column(label)] = 1
        return y

    def decode(self, y: np.ndarray) -> list[tuple[str, ...]]:
        """Rows of an indicator array, shape (n_texts, n_domains), as tuples of ids in column order."""
        return [tuple(self.ids[i] for i in np.flatnonzero(row)) for row in np.asarray(y)]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description, the inverse of `from_dict`."""
        return {"version": self.version, "domains": [asdict(d) for d in self._domains]}

    @classmethod
    def from_dict(cls, data: Any, where: object = "domains") -> DomainSet:
        """Build from parsed YAML or JSON; anything unexpected is a `CorpusError` naming `where`."""
        try:
            domains = [_domain(entry) for entry in data["domains"]]
            return cls(domains, version=int(data["version"]))
        except CorpusError as error:
            raise CorpusError(error.message, where=where, hint=error.hint) from None
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CorpusError(
                f"not a domain list ({error})", where=where, hint="Expected version and domains[]."
            ) from None


def _domain(entry: Any) -> Domain:
    """One entry of the list; a key left empty is as good as none."""
    return Domain(**{key: str(value) for key, value in entry.items() if value is not None})


def load_domains(path: str | Path) -> DomainSet:
    """Read ``labels/domains.yaml``.

    Raises
    ------
    CorpusError
        The file is missing, is not YAML or does not describe domains.
    """
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CorpusError(f"cannot be read ({error})", where=path) from None
    return DomainSet.from_dict(data, where=path)
