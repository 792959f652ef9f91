"""`tagger search`: find settings by trying them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tagger.training.search_report import Findings


def search(
    context: typer.Context,
    config_dir: Annotated[
        Path | None, typer.Option(help="Another configuration folder than the project's conf/.")
    ] = None,
) -> None:
    """Search for settings; what is varied is in conf/search, settings are given as KEY=VALUE.

    The same command goes on with a search that was cut off; a larger search.n_trials makes it longer.
    Trials are chosen by search.metric of the sentences, out of fold, with thresholds of the same scores.

    Examples:

      tagger search model=tfidf

      tagger search experiment=bert_quick search.n_trials=10 output=searches/quick
    """
    from tagger.cli.extras import require

    require("hydra", "train", "tagger search")
    require("optuna", "train", "tagger search")
    from tagger.training.search import search as find_settings
    from tagger.training.search_config import compose_search

    logging.getLogger("tagger").setLevel(logging.INFO)
    findings = find_settings(compose_search(context.args, config_dir))
    _print(findings)
    if findings.count("failed"):
        raise typer.Exit(3)


def _print(findings: Findings) -> None:
    from tagger.training.search_report import tell

    task, best = findings.task, findings.best
    counts = ", ".join(f"{findings.count(state)} {state}" for state in ("finished", "cut short", "failed"))
    typer.echo(f"{task.folder}  {len(findings.trials)} trials: {counts}")
    low, high = findings.figures["interval_95"][task.search.metric]
    typer.echo(f"best, trial {best['trial']}  {task.search.metric} {best['value']:.4f}  [{low:.4f}, {high:.4f}]"
               "  chosen by this figure, out of fold, thresholds of the same scores")  # fmt: skip
    if task.search.metric in findings.other_bulletins:
        found = findings.other_bulletins[task.search.metric]
        typer.echo(f"thresholds of other bulletins  {task.search.metric} {found:.4f}")
    if findings.correction:
        low, high = findings.correction["interval"]
        corrected = findings.correction["corrected"]
        typer.echo(f"corrected for the choice  {task.search.metric} {corrected:.4f}  [{low:.4f}, {high:.4f}]")
    for key, value in best["parameters"].items():
        typer.echo(f"  {key}={tell(value)}")
    typer.echo(f"run        {task.folder / 'best'}")
    typer.echo(f"report     {task.folder / 'report.md'}")
    typer.echo(f"again with tagger train experiment={task.folder / 'best.yaml'} seed=2")
