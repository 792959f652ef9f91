"""What a search found, told honestly: the best of many is partly the luckiest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.errors import TrainingError
from tagger.evaluation.scores import read_scores
from tagger.evaluation.selection_bias import correct_for_choice
from tagger.training.config import portable_config
from tagger.training.finished import read_figures, read_other_bulletins
from tagger.training.search_config import SearchTask
from tagger.training.search_folder import SearchFolder
from tagger.training.search_study import PROBLEM, SECONDS, Study

if TYPE_CHECKING:
    import optuna

#: Name of the file that makes an experiment of the best settings.
BEST = "best.yaml"
_STATES = {"COMPLETE": "finished", "PRUNED": "cut short", "FAIL": "failed"}


@dataclass(frozen=True)
class Findings:
    """What a search found.

    Attributes
    ----------
    task : SearchTask
    trials : list of dict
        By number: ``trial`` (from 1), ``state``, ``value``, ``parameters``, ``scores`` after each
        fold, ``seconds``, ``problem``.
    best : dict
        The best of `trials`.
    figures : dict
        Of the best run, out of fold, with ``interval_95``.
    other_bulletins : dict
        ``f1_micro`` and ``f1_macro`` of the best run, each bulletin tagged by thresholds of the others;
        empty where it does not say. Trials are chosen by `figures`, whose thresholds were chosen on
        the same scores.
    correction : dict or None
        Of `tagger.evaluation.selection_bias.correct_for_choice`; None with one finished trial.
    importances : dict
        Parameter -> share; empty with few trials.
    """

    task: SearchTask
    trials: list[dict[str, Any]]
    best: dict[str, Any]
    figures: dict[str, Any]
    other_bulletins: dict[str, float]
    correction: dict[str, Any] | None
    importances: dict[str, float]

    def count(self, state: str) -> int:
        """How many trials are ``finished``, ``cut short`` or ``failed``."""
        return sum(trial["state"] == state for trial in self.trials)


def find(task: SearchTask, folder: SearchFolder, study: Study) -> Findings:
    """Put together what the trials of a search found.

    Raises
    ------
    TrainingError
        No trial has a score.
    InputError, OutputError
        A run folder of a trial was changed: its scores, its figures.
    """
    completed = study.completed()
    if not completed:
        raise TrainingError("no trial has a score", where=task.folder, hint="Raise search.n_trials.")
    trials = [_describe(task, trial) for trial in study.finished()]
    return Findings(
        task, trials, trials[completed[0].number], read_figures(folder.run(completed[0].number)),
        read_other_bulletins(folder.run(completed[0].number)),
        _correct(task, [folder.run(trial.number) for trial in completed]), study.importances(),
    )  # fmt: skip


def _describe(task: SearchTask, trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    space = task.search.space
    return {
        "trial": trial.number + 1, "state": _STATES[trial.state.name], "value": trial.value,
        "parameters": {space[name].key: task.value(name, value) for name, value in trial.params.items()},
        "scores": [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)],
        "seconds": trial.user_attrs.get(SECONDS), "problem": trial.user_attrs.get(PROBLEM),
    }  # fmt: skip


def _correct(task: SearchTask, runs: list[Path]) -> dict[str, Any] | None:
    """The best score as it would be on bulletins that it was not chosen by; trials cut short would not be chosen."""
    if len(runs) < 2:
        return None
    scored = [read_scores(run / "out_of_fold.npz")[0] for run in runs]
    first = scored[0]
    y_preds = [scores.y_pred for scores in scored if np.array_equal(scores.ids, first.ids)]
    return correct_for_choice(first.y_true, y_preds, first.bulletins, metric=task.search.metric, seed=task.base.seed)


def write_report(findings: Findings, folder: SearchFolder) -> None:
    """Write ``trials.jsonl``, ``best.yaml`` and ``report.md`` into the folder."""
    lines = (json.dumps(trial, ensure_ascii=False) for trial in findings.trials)
    folder.write("trials.jsonl", "".join(f"{line}\n" for line in lines))
    folder.write(BEST, _experiment(findings, folder))
    folder.write("report.md", "\n".join(_report(findings)) + "\n")


def _experiment(findings: Findings, folder: SearchFolder) -> str:
    """The best settings as an experiment: all of them, so that no default that changes later changes it."""
    import yaml

    task = findings.task
    params = {name: _stored(task, name, findings.best["parameters"]) for name in task.search.space}
    settings = portable_config(task.configure(params, folder.run(0)))
    settings = {"defaults": [{"override /model": settings["model"]["kind"]}], **settings}
    best, metric = findings.best, task.search.metric
    told = f"# Trial {best['trial']} of a search: {metric} {best['value']:.4f} out of fold.\n"
    return f"# @package _global_\n{told}{yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)}"


def _stored(task: SearchTask, name: str, parameters: dict[str, Any]) -> Any:
    value = parameters[task.search.space[name].key]
    return json.dumps(value, ensure_ascii=False) if task.search.space[name].kind == "categorical" else value


def _report(findings: Findings) -> list[str]:
    task, best = findings.task, findings.best
    low, high = findings.figures["interval_95"][task.search.metric]
    lines = [
        f"# Search: {task.base.model.kind}", "",
        f"{len(findings.trials)} trials: {findings.count('finished')} finished, {findings.count('cut short')} cut "
        f"short, {findings.count('failed')} failed. Seed {task.base.seed}, sampler {task.search.sampler}, "
        f"pruner {task.search.pruner}.", "",
        f"Best is trial {best['trial']}: {task.search.metric} {best['value']:.4f} [{low:.4f}, {high:.4f}] out of fold. "
        "It was chosen by this very figure, which therefore flatters it; so do its thresholds, which were chosen on "
        "the same scores.", *_other_bulletins(findings),
    ]  # fmt: skip
    lines += ["", *_corrected(findings)]
    settings = [(f"`{key}`", f"`{tell(value)}`") for key, value in best["parameters"].items()]
    lines += ["", *_table(settings, ("setting", "best"))]
    if findings.importances:
        shares = [(f"`{task.search.space[name].key}`", f"{share:.0%}") for name, share in findings.importances.items()]
        lines += ["", "What decided the score (fANOVA over the finished trials):", ""]
        lines += _table(shares, ("setting", "share"))
    lines += ["", "The ten best trials:", "", *_table(_ten_best(findings), ("trial", task.search.metric, "settings"))]
    failed = [trial for trial in findings.trials if trial["problem"]]
    if failed:
        lines += ["", "Failed:", "", *(f"- trial {trial['trial']}: {trial['problem']}" for trial in failed)]
    lines += ["", f"Train it again: `tagger train experiment={task.folder / BEST} seed=2`"]
    return lines


def _other_bulletins(findings: Findings) -> list[str]:
    """A line on the best run with thresholds that were chosen on other bulletins."""
    metric, found = findings.task.search.metric, findings.other_bulletins
    if metric not in found:
        return []
    told = f"{metric} of the same trial, thresholds of other bulletins: {found[metric]:.4f}"
    return ["", f"{told}. It has no part in the choice."]


def _corrected(findings: Findings) -> list[str]:
    found = findings.correction
    if found is None:
        return ["With one finished trial, nothing was chosen."]
    low, high = found["interval"]
    return [
        f"Corrected for the choice among {found['n_models']}: **{found['corrected']:.4f}** [{low:.4f}, {high:.4f}], "
        f"{found['optimism']:.4f} less. Each of 1000 resamples of the bulletins chose the best trial on those that it "
        "drew and scored it on the others (Tsamardinos et al., 2018). State this figure, or measure the best model on "
        "a test set that the search has not seen.",
    ]  # fmt: skip


def _ten_best(findings: Findings) -> list[tuple[str, ...]]:
    done = [trial for trial in findings.trials if trial["state"] == "finished"]
    done.sort(key=lambda trial: (-trial["value"], trial["trial"]))
    return [(str(t["trial"]), f"{t['value']:.4f}", _short(t["parameters"])) for t in done[:10]]


def _short(parameters: dict[str, Any]) -> str:
    told = ((key.rpartition(".")[2], value) for key, value in parameters.items())
    return " ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={tell(value)}" for key, value in told)


def tell(value: Any) -> str:
    """A value as it is given on the command line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _table(rows: list[tuple[str, ...]], header: tuple[str, ...]) -> list[str]:
    cells = [header, tuple("---" for _ in header), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]
