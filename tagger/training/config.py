"""The configuration of a run as typed dataclasses; `composing` makes it from ``conf/``."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import Any

from tagger.corpus.damage import DamageConfig
from tagger.corpus.records import Fields
from tagger.training.model_config import MODELS, BertConfig, LexiconConfig, TfidfConfig
from tagger.training.settings import build


@dataclass(frozen=True)
class DataConfig:
    """What is trained on; see `tagger.training.data`.

    Attributes
    ----------
    kind : str
        ``corpus``, ``jsonl``, ``csv``, ``parquet``, ``datasets`` or ``label_studio``.
    corpus : str or None
        Folder of the authored corpus, for the kind of that name; None for the project's own.
    path : str or None
        The file, folder or name on the hub, for all other kinds.
    domains : str or None
        The domain list: None for the project's, a file, or ``infer`` for one made of the labels found.
    test : str or None
        Labelled data of the same kind for test scores; never trained or tuned on.
    share : float
        Share of the bulletins on the training side of every fold that is trained on, in (0, 1].
    fields : Fields
        What the data call what. For the corpus only ``source`` counts: ``hand`` or a key of its headers.
    label_separator : str or None
        What parts labels within one string; None if they come as a list.
    part : str
        Which part of a data set of several (``datasets``).
    control : str or None
        The one control that is read (``label_studio``); None for all that give labels.
    """

    kind: str = "corpus"
    corpus: str | None = None
    path: str | None = None
    domains: str | None = None
    test: str | None = None
    share: float = 1.0
    fields: Fields = field(default_factory=lambda: Fields(source="hand"))
    label_separator: str | None = None
    part: str = "train"
    control: str | None = None


@dataclass(frozen=True)
class SplitConfig:
    """The folds that give the out-of-fold scores; see `tagger.corpus.splits`.

    Attributes
    ----------
    kind : str
        ``grouped`` or ``leave_one_source_out``.
    n_folds : int
        At least 2; a source is a fold of its own.
    similarity : float
        From which Jaccard similarity on two sentences are near-duplicates, in [0.5, 1].
    min_chars : int
        Shorter sentences are formulas, whose return joins no bulletins.
    file : str or None
        A saved ``split.json`` to take instead.
    """

    kind: str = "grouped"
    n_folds: int = 5
    similarity: float = 0.7
    min_chars: int = 15
    file: str | None = None


@dataclass(frozen=True)
class TrackingConfig:
    """Where finished runs are copied to; see `tagger.training.tracking`.

    Attributes
    ----------
    store : str or None
        A SQLite file that MLflow reads; None for none.
    experiment : str
        What MLflow lists them under.
    """

    store: str | None = None
    experiment: str = "tagger"


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    model: LexiconConfig | TfidfConfig | BertConfig = field(default_factory=TfidfConfig)
    data: DataConfig = field(default_factory=DataConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    augmentation: DamageConfig = field(default_factory=DamageConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    seed: int = 1
    output: str = "runs/tfidf"


def config_from_dict(data: Any) -> TrainConfig:
    """Check plain data against the dataclasses; anything unexpected is a `UsageError`. ``~`` is the home folder."""
    return _at_home(build(TrainConfig, data))


def _at_home(config: TrainConfig) -> TrainConfig:
    """Paths with the home folder in the place of ``~``: no shell puts it there behind a ``=``."""
    changed: dict[str, Any] = {"output": _home(config.output)}
    for part, name in (("split", "file"), ("model", "lexicon"), ("tracking", "store")):
        own = getattr(config, part)
        changed[part] = dataclasses.replace(own, **{name: _home(getattr(own, name))})
    return dataclasses.replace(config, **changed)


def _home(path: str | None) -> Any:
    return os.path.expanduser(path) if path else path


def config_to_dict(config: TrainConfig) -> dict[str, Any]:
    """The plain data of a config."""
    return dataclasses.asdict(config)


def portable_config(config: TrainConfig) -> dict[str, Any]:
    """What makes a run this run: without where it is written and where it is told of."""
    data = config_to_dict(config)
    del data["output"], data["tracking"]
    return data


def setting_names() -> list[str]:
    """Dotted names of every setting of every model."""
    return sorted({key for model in MODELS.values() for key in _walk(TrainConfig(model=model()))})


def _walk(config: Any, path: str = "") -> list[str]:
    names = []
    for f in dataclasses.fields(config):
        value, name = getattr(config, f.name), f"{path}{f.name}"
        names += _walk(value, f"{name}.") if dataclasses.is_dataclass(value) else [name]
    return names
