"""The configuration of a search: ``conf/search/*.yaml`` as typed dataclasses."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.errors import UsageError, did_you_mean
from tagger.training.composing import compose_data
from tagger.training.config import TrainConfig, config_from_dict, setting_names
from tagger.training.settings import build

METRICS = ("f1_macro", "f1_micro")
SAMPLERS = ("tpe", "random")
PRUNERS = ("median", "hyperband", "none")
#: What a search may choose: other settings change what is measured, not how good it is.
_ROOMS = ("model.", "augmentation")


@dataclass(frozen=True)
class ParameterConfig:
    """One setting that is searched.

    Attributes
    ----------
    key : str
        Dotted name of a setting, such as ``model.head.C``, or the group ``augmentation``.
    kind : str
        ``float`` or ``int``, from `low` to `high`, both included; or ``categorical``, one of `choices`.
    log : bool
        Whether orders of magnitude are alike: for rates and penalties.
    step : float or None
        Distance of the values, from `low`; not with `log`.
    choices : list or None
        Values of any kind that YAML knows, lists among them.
    """

    key: str
    kind: str = "float"
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    choices: list[Any] | None = None


@dataclass(frozen=True)
class SearchConfig:
    """A search for settings.

    Attributes
    ----------
    n_trials : int
        Trials in all, those of earlier calls and those that failed or were cut short included.
    metric : str
        What trials are chosen by: ``f1_macro`` or ``f1_micro`` of the sentences, out of fold, with
        thresholds chosen on the same scores, which flatters all trials much alike.
    sampler : str
        ``tpe`` (Bergstra et al., 2011, "Algorithms for hyper-parameter optimization") or ``random``.
    startup_trials : int
        Trials by chance before `sampler` learns from them.
    pruner : str
        ``median`` cuts a trial short whose score after a fold is below the median of the earlier
        trials' after as many; ``hyperband`` is Li et al. (2018); ``none``.
    pruner_trials : int
        Trials that must be over before ``median`` judges.
    baseline : bool
        Whether the first trial is the configuration as it stands.
    space : dict of str to ParameterConfig
    """

    n_trials: int = 40
    metric: str = "f1_macro"
    sampler: str = "tpe"
    startup_trials: int = 10
    pruner: str = "median"
    pruner_trials: int = 5
    baseline: bool = True
    space: dict[str, ParameterConfig] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchTask:
    """What a search is to do.

    Attributes
    ----------
    base : TrainConfig
        The run that is varied.
    search : SearchConfig
    overrides : tuple of str
        What the configuration was composed with, ``output`` left out.
    config_dir : Path or None
    folder : Path
        The folder of the search.
    """

    base: TrainConfig
    search: SearchConfig
    overrides: tuple[str, ...]
    config_dir: Path | None
    folder: Path

    def configure(self, params: dict[str, Any], output: Path) -> TrainConfig:
        """The run of a trial: composed like any other, so that what it may not be is told alike.

        Parameters
        ----------
        params : dict
            Name in the space -> value; of a categorical one the JSON text of the choice.
        output : Path

        Raises
        ------
        UsageError
            The values make no valid run.
        """
        given = [*self.overrides, *self.assignments(params)]
        data = compose_data(given, self.config_dir)
        data.pop("search", None)
        return dataclasses.replace(config_from_dict(data), output=str(output))

    def assignments(self, params: dict[str, Any]) -> list[str]:
        """Overrides such as ``model.head.C=2.0``, one for each parameter."""
        return [f"{self.search.space[name].key}={_as_override(self.value(name, v))}" for name, v in params.items()]

    def value(self, name: str, stored: Any) -> Any:
        """The value of a parameter; a search stores choices as JSON, as they may be lists."""
        return json.loads(stored) if self.search.space[name].kind == "categorical" else stored


def compose_search(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> SearchTask:
    """Compose a search from ``conf/``; ``search`` is the one called like the model if none is named.

    Raises
    ------
    UsageError
        As `tagger.training.composing.compose`; or there is no such search, or one of its
        parameters is none that can be searched.
    """
    given = _with_search(list(overrides), config_dir)
    data = compose_data(given, config_dir)
    settings = data.pop("search")
    base = config_from_dict(data)
    search = build(SearchConfig, settings, "search")
    _check(search)
    is_named = any(_key(override) == "output" for override in overrides)
    folder = base.output if is_named else f"searches/{base.model.kind}"
    kept = tuple(override for override in given if _key(override) != "output")
    return SearchTask(base, search, kept, Path(config_dir) if config_dir else None, Path(folder))


def _with_search(overrides: list[str], config_dir: str | Path | None) -> list[str]:
    """Overrides that name a search: the one that is called like the model, unless there is another."""
    if any(_key(override) == "search" for override in overrides):
        return overrides
    # Settings of a search can only be composed once there is one.
    others = [override for override in overrides if not _key(override).startswith("search.")]
    data = compose_data(others, config_dir)
    if "search" in data:
        return overrides
    model = data.get("model")
    return [f"search={model.get('kind') if isinstance(model, dict) else ''}", *overrides]


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _check(search: SearchConfig) -> None:
    for name, known in (("metric", METRICS), ("sampler", SAMPLERS), ("pruner", PRUNERS)):
        found = getattr(search, name)
        if found not in known:
            raise UsageError(f"found {found!r}", where=f"search.{name}", hint=did_you_mean(found, known))
    for name, least in (("n_trials", 1), ("startup_trials", 0), ("pruner_trials", 0)):
        if getattr(search, name) < least:
            raise UsageError(f"found {getattr(search, name)}, expected {least} or more", where=f"search.{name}")
    if not search.space:
        raise UsageError("nothing to search", where="search.space", hint="Name at least one setting.")
    for name, parameter in search.space.items():
        _check_parameter(parameter, f"search.space.{name}")
    keys = [parameter.key for parameter in search.space.values()]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is searched twice", where="search.space")


def _check_parameter(parameter: ParameterConfig, where: str) -> None:
    known = ["augmentation", *(name for name in setting_names() if name.startswith(_ROOMS))]
    if parameter.key not in known:
        raise UsageError(f"unknown setting {parameter.key!r}", where=f"{where}.key",
                         hint=did_you_mean(parameter.key, known))  # fmt: skip
    if parameter.kind == "categorical":
        _check_choices(parameter, where)
    elif parameter.kind in ("float", "int"):
        _check_range(parameter, where)
    else:
        raise UsageError(f"found {parameter.kind!r}", where=f"{where}.kind",
                         hint=did_you_mean(parameter.kind, ("float", "int", "categorical")))  # fmt: skip


def _check_choices(parameter: ParameterConfig, where: str) -> None:
    choices = parameter.choices or []
    told = [json.dumps(choice, ensure_ascii=False) for choice in choices]
    if len(told) < 2 or len(set(told)) < len(told):
        raise UsageError(f"found {choices}, expected two or more different values", where=f"{where}.choices")


def _check_range(parameter: ParameterConfig, where: str) -> None:
    low, high = parameter.low, parameter.high
    if low is None or high is None or not low < high:
        raise UsageError(f"found {low} to {high}, expected a lower and a higher number", where=where)
    if parameter.log and (low <= 0 or parameter.step is not None):
        raise UsageError("log needs numbers above 0 and no step", where=where)
    if parameter.step is not None and parameter.step <= 0:
        raise UsageError(f"found {parameter.step}, expected a number above 0", where=f"{where}.step")
    numbers = (low, high, 1 if parameter.step is None else parameter.step)
    if parameter.kind == "int" and not all(float(number).is_integer() for number in numbers):
        raise UsageError(f"found {low} to {high}, expected whole numbers", where=where)


def _as_override(value: Any) -> str:
    """A value in Hydra's grammar, in which JSON's words and lists mean the same and text is quoted."""
    if isinstance(value, list):
        return f"[{','.join(_as_override(part) for part in value)}]"
    if isinstance(value, str):
        # To Hydra, backslashes only mean something before a quote.
        escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + m[2].replace("'", "\\'"), value)
        return f"'{escaped}'"
    if isinstance(value, dict):
        raise UsageError(f"found {value!r}, expected numbers, words or lists of them", where="search.space")
    return json.dumps(value)
