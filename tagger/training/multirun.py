"""Several runs of one command: Hydra's own multirun, each run in a folder of its own.

Hydra expands the sweep and launches the jobs; what it would write by itself (its sweep folder,
``.hydra``, log files, another working directory) goes to a temporary folder or is switched off.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import multiprocessing
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.errors import TaggerError, TrainingError, UsageError
from tagger.training.composing import compose, config_folder, experiment_files, not_composed
from tagger.training.config import TrainConfig, config_from_dict
from tagger.training.finished import is_finished

log = logging.getLogger(__name__)
#: Longest name of a run folder, in characters: file systems take 255 bytes, and ours come with suffixes.
_MAX_NAME = 120
#: Where the runs go, if `output` does not say.
_FOLDER = "runs"


@dataclass(frozen=True)
class Job:
    """One run of several.

    Attributes
    ----------
    folder : str
        Its run folder.
    problem : str
        Why it failed; empty if it did not.
    is_old : bool
        It was there already, finished.
    """

    folder: str
    problem: str = ""
    is_old: bool = False


def run_jobs(overrides: Sequence[str], config_dir: str | Path | None = None, n_jobs: int = 1) -> list[Job]:
    """Run every combination of a sweep.

    Parameters
    ----------
    overrides : sequence of str
        In Hydra's sweep syntax: ``seed=1,2,3``, ``seed=range(1,4)``, ``model=glob(*)``,
        ``model.head.C=choice(0.5,1,2)``; ``output`` names the folder of all runs.
    config_dir : path, optional
    n_jobs : int
        Runs at a time, each in a process of its own; more than 1 by the launcher of joblib.

    Returns
    -------
    list of Job
        In the order of the sweep. A job that failed does not keep the others from running, and
        one that was finished before, with the same settings and data, is not run again.

    Raises
    ------
    UsageError
        Any combination that cannot be composed: before the first one runs.
    """
    base, sweep = _split_off_output(overrides)
    extra = ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={n_jobs}"] if n_jobs > 1 else []
    with experiment_files([*sweep, *extra]) as given:
        configs = expand(given, base, config_dir)
        level = logging.getLogger("tagger").level
        task = functools.partial(_run_job, base=str(base), n_runs=len(configs), level=level)
        done = {job.folder: job for job in _launch(given, config_dir, task)}
    return [done[folder] if folder in done else _lost(config) for folder, config in configs.items()]


def _lost(config: TrainConfig) -> Job:
    """A job whose pool broke: it may have been finished before that."""
    from tagger.training.data import load_examples

    if is_finished(config, load_examples(config)[1].hash):
        return Job(config.output)
    return Job(config.output, "not finished: a process died, for want of memory perhaps. The same command goes on.")


def expand(sweep: Sequence[str], base: Path, config_dir: str | Path | None = None) -> dict[str, TrainConfig]:
    """The run folders of a sweep, in its order, with the run that goes into each.

    Raises
    ------
    UsageError
        See `run_jobs`.
    """
    from hydra import initialize_config_dir
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    folder = config_folder(config_dir)
    try:
        with initialize_config_dir(str(folder), version_base="1.3"):
            parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
            [combinations] = BasicSweeper.split_arguments(parser.parse_overrides(list(sweep)), max_batch_size=None)
    except HydraException as error:
        raise not_composed(error, sweep, folder) from None
    configs: dict[str, TrainConfig] = {}
    for combination in combinations:
        task = [override for override in combination if not override.startswith(("hydra.", "hydra/"))]
        place = str(base / name_run(task))
        if place in configs:
            raise UsageError("two runs of the sweep are the same", where=place, hint="Name each value once.")
        configs[place] = dataclasses.replace(compose(combination, config_dir), output=place)
    return configs


def name_run(overrides: Sequence[str]) -> str:
    """A folder name that says what a run overrides, such as ``model=tfidf,seed=1``.

    Characters that a shell or a file system would trip over become hyphens; a long name is cut
    and ends in a hash of the whole.
    """
    told = ",".join(sorted(overrides)) or "run"
    name = re.sub(r"[^\w=,.\[\]+~-]+", "-", told).strip("-.")
    if name == told and len(name.encode()) <= _MAX_NAME:
        return name
    short = name.encode()[: _MAX_NAME - 9].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def _split_off_output(overrides: Sequence[str]) -> tuple[Path, list[str]]:
    """The folder of all runs, and the other overrides."""
    given = [o.partition("=")[2] for o in overrides if o.lstrip("+").partition("=")[0] == "output"]
    others = [o for o in overrides if o.lstrip("+").partition("=")[0] != "output"]
    base = os.path.expanduser(given[-1].strip("'\"")) if given else _FOLDER
    if not base or re.search(r"[,$*()]", base):
        raise UsageError(f"found {base!r}, expected one folder for all runs", where="output")
    if (Path(base) / "run.json").exists():
        raise UsageError("is a run itself, expected a folder for several", where=base, hint="Give output=FOLDER.")
    return Path(base), others


def _launch(given: Sequence[str], config_dir: str | Path | None, task: Callable[[Any], Job]) -> list[Job]:
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException

    folder = config_folder(config_dir)
    with tempfile.TemporaryDirectory(prefix="tagger-") as scratch:
        quiet = [f"hydra.sweep.dir='{scratch}'", "hydra.output_subdir=null", "hydra.job.chdir=false",
                 "hydra/hydra_logging=none", "hydra/job_logging=none"]  # fmt: skip
        try:
            with initialize_config_dir(str(folder), version_base="1.3", job_name="tagger"):
                hydra = GlobalHydra.instance().hydra
                assert hydra is not None
                batches = hydra.multirun("config", task, [*given, *quiet], with_log_configuration=False)
        except HydraException as error:
            raise not_composed(error, given, folder) from None
        except RuntimeError as error:
            # Of a pool whose process was killed; what the other processes finished stands in its folder.
            if type(error).__name__ not in ("TerminatedWorkerError", "BrokenProcessPool"):
                raise
            log.warning("a process of the pool died: %s", str(error).splitlines()[0])
            return []
    return [job.return_value for batch in batches for job in batch]


def _run_job(composed: Any, *, base: str, n_runs: int, level: int) -> Job:
    """One job, wherever it is launched: all that goes wrong with it is told, and stops no other."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    title = _log_title(f"run {HydraConfig.get().job.num + 1} of {n_runs}: ", level)
    folder = str(Path(base) / name_run(list(HydraConfig.get().overrides.task)))
    log.info("%s%s", title, folder)
    try:
        data = OmegaConf.to_container(composed, resolve=True)
        data.pop("search", None)
        config = dataclasses.replace(config_from_dict(data), output=folder)
        return _run_unless_finished(config)
    except TaggerError as error:
        problem = str(error)
    except Exception as error:
        problem = str(TrainingError(f"internal error ({type(error).__name__}: {error})", hint="Run it with --debug."))
        if os.environ.get("TAGGER_DEBUG"):
            log.exception("%s", folder)
    log.error("%sfailed", title)  # why is told when all are over, where it is not scrolled away
    return Job(folder, problem)


def _log_title(title: str, level: int) -> str:
    """What a line about a run begins with; in a process of the pool, where lines mix, each already says it."""
    if multiprocessing.parent_process() is None:
        return title
    logging.basicConfig(level=logging.WARNING, format=f"{title}%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("tagger").setLevel(level)
    return ""


def _run_unless_finished(config: TrainConfig) -> Job:
    from tagger.training.data import load_examples
    from tagger.training.run import run
    from tagger.training.tracking import track

    loaded = load_examples(config)
    if is_finished(config, loaded[1].hash):
        log.info("%s is finished already", config.output)
        return Job(config.output, is_old=True)
    run(config, lambda _: loaded)
    track(config)
    return Job(config.output)
