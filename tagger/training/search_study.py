"""The trials of a search, by Optuna in a SQLite file: what is tried next, and what came of it.

What a trial tries depends on the seed, its number and the trials before it, and on nothing that
lives in memory: a search that was killed goes on exactly as it would have gone on.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.errors import OutputError
from tagger.training.search_config import ParameterConfig, SearchConfig

if TYPE_CHECKING:
    import optuna

#: Hyperband sorts trials into its brackets by this name, too.
_NAME = "search"
#: User attributes of a trial: seconds it took, and why it failed.
SECONDS, PROBLEM = "seconds", "problem"


class Study:
    """The trials of one search; one process at a time, see `tagger.training.search_folder`.

    Parameters
    ----------
    path : Path
        The SQLite file, made whole if there is none.
    search : SearchConfig
    seed : int
    n_folds : int
        Most scores that a trial tells on its way.

    Raises
    ------
    OutputError
        The file cannot be written, or is no such file.
    """

    def __init__(self, path: Path, search: SearchConfig, *, seed: int, n_folds: int) -> None:
        import optuna

        optuna.logging.disable_default_handler()  # it writes lines of its own to standard error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.path, self.search, self.seed = path, search, seed
        with self._told():
            if not path.exists():
                _create(path)
            storage = optuna.storages.RDBStorage(_url(path))
            self._study = optuna.load_study(
                study_name=_NAME, storage=storage, sampler=optuna.samplers.RandomSampler(seed),
                pruner=_pruner(search, n_folds),
            )  # fmt: skip

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """All trials, by number."""
        with self._told():
            return self._study.get_trials(deepcopy=False)

    def finished(self) -> list[optuna.trial.FrozenTrial]:
        """The trials that came to an end, whichever."""
        return [trial for trial in self.trials() if trial.state.is_finished()]

    def completed(self) -> list[optuna.trial.FrozenTrial]:
        """The trials that have a score, best first; of equals the earliest."""
        done = [trial for trial in self.finished() if trial.state.name == "COMPLETE"]
        return sorted(done, key=lambda trial: (-float(trial.value or 0.0), trial.number))

    def next(self, baseline: dict[str, Any] | None) -> optuna.trial.Trial | None:
        """The trial to run now: one that was cut off, or a new one; None when there are enough.

        Parameters
        ----------
        baseline : dict or None
            Parameters of the first trial; None leaves them to the sampler.
        """
        import optuna

        with self._told():
            trials = self.trials()
            # Nobody else works here (the folder is locked): what runs, ran in a process that is gone.
            cut_off = [trial for trial in trials if not trial.state.is_finished()]
            if not cut_off and len(trials) >= self.search.n_trials:
                return None
            if not cut_off:
                params = baseline if baseline is not None and not trials else self._suggest(trials)
                # In one transaction with all its values: there is no trial that knows only some of them.
                new = optuna.create_trial(
                    state=optuna.trial.TrialState.RUNNING, params=params, distributions=distributions(self.search)
                )
                self._study.add_trial(new)
                cut_off = self.trials()[-1:]
            return optuna.trial.Trial(self._study, cut_off[0]._trial_id)

    def _suggest(self, trials: Sequence[optuna.trial.FrozenTrial]) -> dict[str, Any]:
        """What the sampler suggests after the trials so far, by a study of its own in memory."""
        import optuna

        seed = int(np.random.SeedSequence([self.seed, len(trials)]).generate_state(1)[0])
        replica = optuna.create_study(direction="maximize", sampler=_sampler(self.search, seed))
        replica.add_trials(trials)
        return replica.ask(distributions(self.search)).params

    def is_poor(self, trial: optuna.trial.Trial, n_folds_done: int, value: float) -> bool:
        """Take the score of a trial so far; whether it should be cut short."""
        with self._told():
            step = n_folds_done - 1  # pruners count from 0
            if step not in self.trials()[trial.number].intermediate_values:
                trial.report(value, step)
            return trial.should_prune()

    def end(self, trial: optuna.trial.Trial, state: str, value: float | None = None, **facts: Any) -> None:
        """Write down how a trial ended: ``COMPLETE`` with its value, ``PRUNED`` or ``FAIL``."""
        import optuna

        with self._told():
            for name, fact in facts.items():
                trial.set_user_attr(name, fact)
            self._study.tell(trial.number, value, state=optuna.trial.TrialState[state])

    def importances(self) -> dict[str, float]:
        """How much each parameter decided (Hutter et al., 2014, fANOVA); empty with fewer than 10 trials."""
        import optuna

        if len(self.completed()) < 10 or len({trial.value for trial in self.completed()}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self.seed)
        return dict(optuna.importance.get_param_importances(self._study, evaluator=evaluator))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the database as one of ours: it is full, read-only, or no database."""
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (StorageInternalError, SQLAlchemyError, KeyError, OSError) as error:
            cause = getattr(error.__cause__ or error, "orig", None) or error.__cause__ or error
            raise OutputError(
                f"the trials cannot be read or written ({cause})", where=self.path,
                hint="What was done is kept; the same command goes on.",
            ) from None  # fmt: skip


def distributions(search: SearchConfig) -> dict[str, Any]:
    """Optuna's description of the space."""
    return {name: _distribution(parameter) for name, parameter in search.space.items()}


def _distribution(parameter: ParameterConfig) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.kind == "categorical":
        # As text: Optuna keeps single values only, and a choice may be a list.
        return CategoricalDistribution([json.dumps(choice, ensure_ascii=False) for choice in parameter.choices or []])
    assert parameter.low is not None
    assert parameter.high is not None
    if parameter.kind == "int":
        low, high, step = int(parameter.low), int(parameter.high), int(parameter.step or 1)
        return IntDistribution(low, high, log=parameter.log, step=step)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)


def _sampler(search: SearchConfig, seed: int) -> Any:
    import optuna

    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=search.startup_trials)


def _pruner(search: SearchConfig, n_folds: int) -> Any:
    import optuna

    if search.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=search.pruner_trials)
    if search.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=max(n_folds, 2))
    return optuna.pruners.NopPruner()


def _create(path: Path) -> None:
    """Make the file under another name: a half-made one would never be mended."""
    import optuna

    temporary = path.with_suffix(".tmp")
    for left in path.parent.glob(f"{temporary.name}*"):
        left.unlink()
    storage = optuna.storages.RDBStorage(_url(temporary))
    optuna.create_study(study_name=_NAME, storage=storage, direction="maximize")
    storage.engine.dispose()
    os.replace(temporary, path)


def _url(path: Path) -> str:
    # As a URI of SQLite's own, in which any character of a path can be written; quoted twice, as
    # SQLAlchemy and SQLite undo it one after the other.
    return f"sqlite:///file:{urllib.parse.quote(urllib.parse.quote(str(path.resolve())))}?uri=true"


logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells every step of making the tables
