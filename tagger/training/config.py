"""The configuration of a run as typed dataclasses, composed by Hydra from ``conf/``."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import re
import tempfile
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tagger.corpus.damage import DamageConfig
from tagger.corpus.records import Fields
from tagger.errors import UsageError
from tagger.project import project_path
from tagger.training.overrides import readable_overrides

_Settings = TypeVar("_Settings")


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
class NgramsConfig:
    """The linear classifier behind a BERT's signals ``ngrams`` and ``ngram_clauses``.

    Attributes
    ----------
    lengths : list of int
        Characters of the shortest and the longest n-grams, each at least 1.
    min_df : int
        Fewest sentences an n-gram must occur in.
    C, loss, positive_weight
        See `tagger.models.linear_head.LinearHead`.
    """

    lengths: list[int] = field(default_factory=lambda: [1, 3])
    min_df: int = 2
    C: float = 1.0
    loss: str = "squared_hinge"
    positive_weight: float = 1.0


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
        Of the distillation of scores, when there is a teacher.
    hidden_weight : float
        Of the distance from the teacher's last hidden states; 0 leaves them alone.
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
    teacher_weight: float = 0.8
    hidden_weight: float = 0.2
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
        What a probability is put together from, see `tagger.models.encoder_classifier.EncoderClassifier`.
    ngrams : NgramsConfig
        What is behind the signals of n-grams, if there are any.
    lexicon : str or None
        The lexicon behind the signal of that name; None for ``labels/lexicon.yaml``.
    fine_tuning : FineTuningConfig
    refit_epochs : int or None
        Epochs on all bulletins after which the network of the first fold is the final one, 0 to
        leave it as it is (for experiments); None for one that is trained from the encoder on,
        like those of the folds.
    scored_folds : int or None
        On how many of the folds the thresholds are chosen and the figures measured; None for all.
    precedents : bool
        Whether the model folder carries the sentences that it was trained on, for ``--explain``.
    shrinkage : float
        See `tagger.models.thresholds.choose_thresholds`.
    """

    kind: str = "bert"
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    layers: list[int] | None = None
    teacher_epochs: int = 0
    max_length: int = 256
    signals: list[str] = field(default_factory=lambda: ["text"])
    ngrams: NgramsConfig = field(default_factory=NgramsConfig)
    lexicon: str | None = None
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)
    refit_epochs: int | None = None
    scored_folds: int | None = None
    precedents: bool = True
    shrinkage: float = 1000.0


#: kind -> the dataclass of ``conf/model/<kind>.yaml``.
MODELS = {"lexicon": LexiconConfig, "tfidf": TfidfConfig, "bert": BertConfig}


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


def compose(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> TrainConfig:
    """Compose a run from ``conf/`` and overrides such as ``model=tfidf model.head.C=2``.

    ``experiment=FILE.yaml`` takes an experiment from anywhere, such as the one that a search writes.

    Raises
    ------
    UsageError
        An unknown group, key or value type, which names the closest known one, or a
        configuration file that is not YAML.
    """
    data = compose_data(overrides, config_dir)
    data.pop("search", None)  # what an experiment says about its search is nothing to a run
    return config_from_dict(data)


def compose_data(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> dict[str, Any]:
    """The same as plain data with ``search`` in it, not yet checked against the dataclasses."""
    import yaml
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    folder = config_folder(config_dir)
    try:
        with experiment_files(overrides) as given, initialize_config_dir(str(folder), version_base="1.3"):
            composed = hydra_compose("config", overrides=given)
        data = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise not_composed(error, overrides, folder) from None
    except yaml.YAMLError as error:  # names file and line in its last lines
        raise UsageError(f"not YAML ({error})", where="configuration") from None
    assert isinstance(data, dict)
    return typing.cast(dict[str, Any], data)


def config_folder(config_dir: str | Path | None) -> Path:
    """The configuration folder that is asked for, or the project's; a `UsageError` if there is none."""
    folder = Path(config_dir or project_path("conf")).resolve()
    if not folder.is_dir():
        raise UsageError("no such configuration folder", where=folder)
    return folder


@contextlib.contextmanager
def experiment_files(overrides: Sequence[str]) -> Iterator[list[str]]:
    """Overrides of which ``experiment=FILE.yaml`` names a group option that Hydra finds.

    Hydra knows options by their names in its search path; a copy stands in one while the context is open.
    """
    with tempfile.TemporaryDirectory(prefix="tagger-") as scratch:
        place = Path(scratch) / "experiment"
        given = readable_overrides([_with_known_experiments(override, place) for override in overrides])
        if place.is_dir():
            given.append(f"hydra.searchpath=[file://{scratch}]")
        yield given


def _with_known_experiments(override: str, place: Path) -> str:
    key, _, value = override.partition("=")
    if key.lstrip("+") != "experiment" or not value.endswith((".yaml", ".yml")):
        return override
    return f"{key}={','.join(_known_experiment(name, place) for name in value.split(','))}"


def _known_experiment(name: str, place: Path) -> str:
    if not name.endswith((".yaml", ".yml")):
        return name
    option = re.sub(r"[^A-Za-z0-9]+", "-", str(Path(name).with_suffix(""))).strip("-") or "experiment"
    place.mkdir(exist_ok=True)
    try:
        (place / f"{option}.yaml").write_bytes(Path(name).read_bytes())
    except OSError as error:
        hint = "Give experiment=NAME or experiment=FILE.yaml."
        raise UsageError(f"cannot be read ({error.strerror})", where=name, hint=hint) from None
    return option


def not_composed(error: Exception, overrides: Sequence[str], folder: Path) -> UsageError:
    """What is told of an error of Hydra's: its first line, and the nearest name that would do."""
    message = _first_line(error)
    if message.startswith("Ambiguous value"):  # a sweep where one value is expected
        return UsageError(message, where="configuration", hint="For one run of each value: tagger train --multirun.")
    return UsageError(message, where="configuration", hint=_closest(overrides, folder))


def config_from_dict(data: Any) -> TrainConfig:
    """Check plain data against the dataclasses; anything unexpected is a `UsageError`."""
    return build(TrainConfig, data)


def config_to_dict(config: TrainConfig) -> dict[str, Any]:
    """The plain data of a config."""
    return dataclasses.asdict(config)


def portable_config(config: TrainConfig) -> dict[str, Any]:
    """What makes a run this run: without where it is written and where it is told of."""
    data = config_to_dict(config)
    del data["output"], data["tracking"]
    return data


def build(cls: type[_Settings], data: Any, path: str = "") -> _Settings:
    """Make a dataclass of plain data, part by part; anything unexpected is a `UsageError`.

    Parameters
    ----------
    cls : dataclass
    data : Any
        A dict with some of its fields.
    path : str
        Dotted name of the part, for errors.
    """
    if not isinstance(data, dict):
        raise UsageError(f"found {data!r}, expected settings", where=path or "configuration")
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in data:
        if key not in known:
            raise UsageError(
                f"unknown setting {key!r}", where=path or "configuration",
                hint=did_you_mean(str(key), list(known)),
            )  # fmt: skip
    hints = typing.get_type_hints(cls)
    return cls(**{k: _value(hints[k], v, f"{path}.{k}".lstrip(".")) for k, v in data.items()})


def _value(hint: Any, value: Any, path: str) -> Any:
    if path == "model":
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in MODELS:
            raise UsageError(f"model kind {kind!r}", where=path, hint=did_you_mean(str(kind), list(MODELS)))
        return build(MODELS[kind], value, path)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, path)
    return _plain(hint, value, path)


def _plain(hint: Any, value: Any, path: str) -> Any:
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in allowed:
        if kind is Any:
            return value
        if typing.get_origin(kind) is list and isinstance(value, list):
            return [_plain(typing.get_args(kind)[0], part, path) for part in value]
        if typing.get_origin(kind) is dict and isinstance(value, dict):
            return {str(name): _value(typing.get_args(kind)[1], part, f"{path}.{name}") for name, part in value.items()}
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
    groups = _groups(folder)
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        key = key.partition("@")[0]
        if key.startswith(("hydra.", "hydra/")):
            continue
        if key in groups:
            unknown = next((v for v in value.split(",") if v not in (*groups[key], "null")), None)
            if unknown is not None:
                return did_you_mean(unknown, groups[key])
        elif key not in setting_names():
            return did_you_mean(key, [*groups, *setting_names()])
    return ""


def _groups(folder: Path) -> dict[str, list[str]]:
    """Group, such as ``model`` or ``model/encoder`` -> its options."""
    folders = sorted(path for path in folder.rglob("*") if path.is_dir())
    return {path.relative_to(folder).as_posix(): sorted(f.stem for f in path.glob("*.yaml")) for path in folders}


def setting_names() -> list[str]:
    """Dotted names of every setting of every model."""
    return sorted({key for model in MODELS.values() for key in _walk(TrainConfig(model=model()))})


def _walk(config: Any, path: str = "") -> list[str]:
    names = []
    for f in dataclasses.fields(config):
        value, name = getattr(config, f.name), f"{path}{f.name}"
        names += _walk(value, f"{name}.") if dataclasses.is_dataclass(value) else [name]
    return names


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint: the known name nearest to one that is not known, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
