"""The configuration of a run as typed dataclasses, composed by Hydra from ``conf/``."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.corpus.damage import DamageConfig
from tagger.errors import UsageError
from tagger.project import project_path


@dataclass(frozen=True)
class DataConfig:
    """Paths of the corpus folder and the domain list; None for the project's own."""

    corpus: str | None = None
    domains: str | None = None


@dataclass(frozen=True)
class SplitConfig:
    """How many folds give the out-of-fold scores; at least 2."""

    n_folds: int = 5


@dataclass(frozen=True)
class LexiconConfig:
    """The lexicon model; None for ``labels/lexicon.yaml``."""

    kind: str = "lexicon"
    lexicon: str | None = None


@dataclass(frozen=True)
class FeaturesConfig:
    """The arguments of `tagger.models.features.TextFeatures`."""

    char_ngrams: list[int] | None = field(default_factory=lambda: [1, 3])
    word_ngrams: list[int] | None = None
    binary: bool = True
    min_df: int = 2


@dataclass(frozen=True)
class HeadConfig:
    """The arguments of `tagger.models.linear_head.LinearHead`."""

    C: float = 1.0
    loss: str = "squared_hinge"
    positive_weight: float = 1.0


@dataclass(frozen=True)
class TfidfConfig:
    """The TF-IDF baseline: what `tagger.models.tfidf.TfidfClassifier` is made of."""

    kind: str = "tfidf"
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    signals: list[str] = field(default_factory=lambda: ["text"])
    lexicon: str | None = None
    shrinkage: float = 50.0


@dataclass(frozen=True)
class EncoderConfig:
    """The pretrained encoder: ``packaged``, a local folder, or the name of one on the hub."""

    name: str = "packaged"


@dataclass(frozen=True)
class FineTuningConfig:
    """How a network is fine-tuned; the defaults are those of the model that ships.

    They come from a few trials on one fold, not from a search.

    Attributes
    ----------
    epochs : int
    learning_rate : float
        Of the highest layer; after a linear warm-up over the share `warmup` of the steps it
        falls linearly to 0.
    layer_decay : float
        Each layer's rate is that of the one above times this.
    head_rate : float
        The head's rate is `learning_rate` times this.
    head_start : int
        Sentences on which the head is fitted, by logistic regression on the untouched
        encoder, before anything else is trained (Kumar et al., 2022); 0 for a random head.
    weight_decay : float
    warmup : float
    batch_pieces : int
        Pieces in a batch, filling included.
    accumulate : int
        Batches in a step.
    loss : str
        ``bce``, ``focal`` or ``asymmetric``, with `gamma` and `positive_weight`.
    r_drop : float
        Weight of the agreement between two passes; 0 for one pass.
    dropout : float
        Before the head.
    freeze_embeddings : bool
    temperature, teacher_weight : float
        Of the distillation, when there is a teacher.
    validation : float
        Share of the bulletins that choose the best epoch; 0 for the last one.
    patience : int
        Epochs without a better one after which training stops.
    precision : str
        ``auto``, ``bf16`` or ``fp32``.
    """

    epochs: int = 2
    learning_rate: float = 2e-4
    layer_decay: float = 0.9
    head_rate: float = 2.0
    head_start: int = 2500
    weight_decay: float = 0.01
    warmup: float = 0.1
    batch_pieces: int = 1200
    accumulate: int = 1
    loss: str = "bce"
    gamma: float = 2.0
    positive_weight: float = 1.0
    r_drop: float = 0.0
    dropout: float = 0.1
    freeze_embeddings: bool = True
    temperature: float = 1.0
    teacher_weight: float = 0.7
    validation: float = 0.0
    patience: int = 2
    precision: str = "auto"


@dataclass(frozen=True)
class BertConfig:
    """A fine-tuned BERT.

    Attributes
    ----------
    encoder : EncoderConfig
    layers : list of int or None
        Numbers of the encoder's layers that are kept; None for all.
    teacher_epochs : int
        Epochs of the teacher, the encoder with all its layers, which is trained first and
        hands its layers and its scores on; 0 for no teacher.
    max_length : int
        Most pieces of an input; longer sentences are read in windows.
    signals : list of str
        What a probability is put together from, see `tagger.models.signals.SignalClassifier`.
    lexicon : str or None
        The lexicon behind the signal of that name; None for ``labels/lexicon.yaml``.
    fine_tuning : FineTuningConfig
    scored_folds : int or None
        On how many of the folds the thresholds are chosen and the figures measured; None for all.
    shrinkage : float
        See `tagger.models.thresholds.choose_thresholds`.
    """

    kind: str = "bert"
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    layers: list[int] | None = None
    teacher_epochs: int = 0
    max_length: int = 256
    signals: list[str] = field(default_factory=lambda: ["text"])
    lexicon: str | None = None
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)
    scored_folds: int | None = None
    shrinkage: float = 50.0


#: kind -> the dataclass of ``conf/model/<kind>.yaml``.
MODELS = {"lexicon": LexiconConfig, "tfidf": TfidfConfig, "bert": BertConfig}


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    model: LexiconConfig | TfidfConfig | BertConfig = field(default_factory=TfidfConfig)
    data: DataConfig = field(default_factory=DataConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    augmentation: DamageConfig = field(default_factory=DamageConfig)
    seed: int = 1
    output: str = "models/tfidf"


def compose(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> TrainConfig:
    """Compose a run from ``conf/`` and overrides such as ``model=tfidf model.head.C=2``.

    Raises
    ------
    UsageError
        An unknown group, key or value type, which names the closest known one, or a
        configuration file that is not YAML.
    """
    import yaml
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    folder = Path(config_dir or project_path("conf")).resolve()
    if not folder.is_dir():
        raise UsageError("no such configuration folder", where=folder)
    try:
        with initialize_config_dir(str(folder), version_base="1.3"):
            composed = hydra_compose("config", overrides=list(overrides))
        data = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(_first_line(error), where="configuration", hint=_closest(overrides, folder)) from None
    except yaml.YAMLError as error:  # names file and line in its last lines
        raise UsageError(f"not YAML ({error})", where="configuration") from None
    return config_from_dict(data)


def config_from_dict(data: Any) -> TrainConfig:
    """Check plain data against the dataclasses; anything unexpected is a `UsageError`."""
    return _build(TrainConfig, data, "")


def config_to_dict(config: TrainConfig) -> dict[str, Any]:
    """The plain data of a config, for a model folder."""
    return dataclasses.asdict(config)


def _build(cls: type, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise UsageError(f"found {data!r}, expected settings", where=path or "configuration")
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in data:
        if key not in known:
            raise UsageError(
                f"unknown setting {key!r}", where=path or "configuration",
                hint=_did_you_mean(str(key), list(known)),
            )  # fmt: skip
    hints = typing.get_type_hints(cls)
    return cls(**{k: _value(hints[k], v, f"{path}.{k}".lstrip(".")) for k, v in data.items()})


def _value(hint: Any, value: Any, path: str) -> Any:
    if path == "model":
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in MODELS:
            raise UsageError(f"model kind {kind!r}", where=path, hint=_did_you_mean(str(kind), list(MODELS)))
        return _build(MODELS[kind], value, path)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, path)
    return _plain(hint, value, path)


def _plain(hint: Any, value: Any, path: str) -> Any:
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in allowed:
        if typing.get_origin(kind) is list and isinstance(value, list):
            return [_plain(typing.get_args(kind)[0], part, path) for part in value]
        if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if isinstance(kind, type) and type(value) is kind:
            return value
    names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in allowed)
    raise UsageError(f"found {value!r}, expected {names}", where=path)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _closest(overrides: Sequence[str], folder: Path) -> str:
    """The known group, option or key nearest to the first override that is not known."""
    groups = {p.name: [f.stem for f in p.glob("*.yaml")] for p in folder.iterdir() if p.is_dir()}
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in groups and value not in groups[key]:
            return _did_you_mean(value, groups[key])
        if key not in groups and key not in _keys():
            return _did_you_mean(key, [*groups, *_keys()])
    return ""


def _keys() -> list[str]:
    """Dotted names of every setting of every model."""
    return sorted({key for model in MODELS.values() for key in _walk(TrainConfig(model=model()))})


def _walk(config: Any, path: str = "") -> list[str]:
    names = []
    for f in dataclasses.fields(config):
        value, name = getattr(config, f.name), f"{path}{f.name}"
        names += _walk(value, f"{name}.") if dataclasses.is_dataclass(value) else [name]
    return names


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
