"""A search for settings: trials one after the other, each a run like any other."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import TrainingError, UsageError
from tagger.training.config import TrainConfig
from tagger.training.data import load_examples
from tagger.training.finished import is_finished, read_figures
from tagger.training.fold_watch import watching
from tagger.training.model_config import BertConfig
from tagger.training.run import run
from tagger.training.search_config import SearchTask
from tagger.training.search_folder import SearchFolder, open_folder
from tagger.training.search_report import Findings, find, write_report
from tagger.training.search_study import PROBLEM, SECONDS, Study

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)
#: So many trials that fail before one succeeds, and the search itself is at fault.
_MAX_FAILURES = 3
_Load = Callable[[TrainConfig], tuple[DomainSet, Examples, Examples]]


class _Poor(Exception):
    """A trial that is cut short."""

    def __init__(self, n_folds: int, value: float) -> None:
        super().__init__()
        self.n_folds, self.value = n_folds, value


def search(task: SearchTask) -> Findings:
    """Run the trials that are still to be run, and report on all of them.

    A search that was cut off, be it by ``kill -9``, goes on when it is called again: the trial
    that it was at is taken up, and none is lost or counted twice. The same task gives the same
    trials, with or without interruptions.

    Parameters
    ----------
    task : SearchTask

    Raises
    ------
    OutputError
        The folder cannot be written, holds something else, or is being searched in.
    UsageError
        It holds a search of other settings or data.
    TrainingError
        The first trials all failed.
    CorpusError, InputError, ModelError
        As `tagger.training.run.run`: what no other settings would mend.
    """
    load = _load_once()
    _, examples, _ = load(task.base)
    with open_folder(task, examples.hash) as folder:
        study = Study(folder.study, task.search, seed=task.base.seed, n_folds=_n_folds(task.base))
        trials = _Trials(task, folder, study, load)
        trials.tidy()
        trials.run_all()
        findings = find(task, folder, study)
        write_report(findings, folder)
        return findings


def _load_once() -> _Load:
    """Reads the data once for all trials that have the same."""
    kept: dict[Any, tuple[DomainSet, Examples, Examples]] = {}

    def load(config: TrainConfig) -> tuple[DomainSet, Examples, Examples]:
        key = (repr(config.data), repr(config.augmentation), config.seed)
        if key not in kept:
            kept[key] = load_examples(config)
        return kept[key]

    return load


def _n_folds(config: TrainConfig) -> int:
    scored = config.model.scored_folds if isinstance(config.model, BertConfig) else None
    return scored or config.split.n_folds


@dataclass
class _Trials:
    task: SearchTask
    folder: SearchFolder
    study: Study
    load: _Load
    n_failed: int = 0

    def tidy(self) -> None:
        """Put right what a killed process left."""
        scored = [trial.number for trial in self.study.completed()]
        self.folder.clean([trial.number for trial in self.study.finished()], scored)
        if scored:
            self.folder.keep_best(scored[0])

    def run_all(self) -> None:
        baseline = _baseline(self.task) if self.task.search.baseline else None
        while (trial := self.study.next(baseline)) is not None:
            self._run(trial)

    def _run(self, trial: optuna.trial.Trial) -> None:
        started = time.monotonic()
        title = f"trial {trial.number + 1} of {self.task.search.n_trials}"
        log.info("%s: %s", title, ", ".join(self.task.assignments(trial.params)))
        try:
            value = self._train(trial)
        except _Poor as poor:
            self.study.end(trial, "PRUNED", **{SECONDS: _since(started)})
            self.folder.drop_run(trial.number)
            log.info("%s: cut short after fold %d (%.4f)", title, poor.n_folds, poor.value)
        except (UsageError, TrainingError) as error:
            self._fail(trial, error, started)
            log.warning("%s failed: %s", title, error)
        else:
            self.study.end(trial, "COMPLETE", value, **{SECONDS: _since(started)})
            best = self.study.completed()[0]
            self.folder.keep_best(best.number)
            log.info("%s: %s %.4f (best: %.4f, trial %d)", title, self.task.search.metric, value, best.value,
                     best.number + 1)  # fmt: skip

    def _train(self, trial: optuna.trial.Trial) -> float:
        config = self.task.configure(trial.params, self.folder.run(trial.number))
        # A process that was killed may have come as far as the finished run.
        if not is_finished(config, self.load(config)[1].hash):
            with watching(self._watch(trial)):
                run(config, self.load)
        return read_figures(Path(config.output))[self.task.search.metric]

    def _watch(self, trial: optuna.trial.Trial) -> Callable[[int, dict[str, float]], None]:
        def watch(n_folds: int, figures: dict[str, float]) -> None:
            value = figures[self.task.search.metric]
            if self.study.is_poor(trial, n_folds, value):
                raise _Poor(n_folds, value)

        return watch

    def _fail(self, trial: optuna.trial.Trial, error: Exception, started: float) -> None:
        self.study.end(trial, "FAIL", **{SECONDS: _since(started), PROBLEM: str(error)})
        self.folder.drop_run(trial.number)
        self.n_failed += 1
        if self.n_failed >= _MAX_FAILURES and not self.study.completed():
            raise TrainingError(
                f"{self.n_failed} trials failed and none succeeded, the last: {error}", where=self.task.folder
            ) from None


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)


def _baseline(task: SearchTask) -> dict[str, Any] | None:
    """The configuration as it stands, as parameters; None if the space does not hold it."""
    params = {}
    for name, parameter in task.search.space.items():
        value: Any = task.base
        for part in parameter.key.split("."):
            value = getattr(value, part)
        if parameter.kind == "categorical":
            told = [json.dumps(choice, ensure_ascii=False) for choice in parameter.choices or []]
            value = json.dumps(value, ensure_ascii=False) if _is_plain(value) else None
            if value not in told:
                return None
        elif value is None or not _is_within(value, parameter):
            return None
        params[name] = value
    return params


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, list))


def _is_within(value: float, parameter: Any) -> bool:
    if not parameter.low <= value <= parameter.high:
        return False
    return parameter.step is None or float((value - parameter.low) / parameter.step).is_integer()
