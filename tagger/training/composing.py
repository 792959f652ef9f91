"""The configuration of a run, composed by Hydra from ``conf/`` and the settings of a command."""

from __future__ import annotations

import contextlib
import re
import tempfile
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tagger.errors import UsageError, did_you_mean
from tagger.project import project_path
from tagger.training.config import TrainConfig, config_from_dict, setting_names
from tagger.training.overrides import readable_overrides


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
