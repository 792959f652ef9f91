"""`tagger train`: train a model from a Hydra configuration, or one for each value of a sweep."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tagger.training.multirun import Job


def train(
    context: typer.Context,
    config_dir: Annotated[
        Path | None, typer.Option(help="Another configuration folder than the project's conf/.")
    ] = None,
    multirun: Annotated[
        bool, typer.Option("--multirun", "-m", help="Train once for each combination of values, as in seed=1,2,3.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="With --multirun: how many at a time.")] = 1,
) -> None:
    """Train a model; settings are given as KEY=VALUE.

    What was cut off goes on when the same command is given again.

    Examples:

      tagger train model=tfidf

      tagger train model=tfidf model.head.C=2 seed=3 output=runs/mine

      tagger train --multirun --jobs 2 model=tfidf,lexicon seed=1,2,3 output=runs/seeds
    """
    from tagger.cli.extras import require
    from tagger.cli.options import refuse_options

    require("hydra", "train", "tagger train")
    refuse_options(context.args, "tagger train", known=("--multirun", "--jobs", "--config-dir"))
    logging.getLogger("tagger").setLevel(logging.INFO)
    if multirun:
        _train_many(context.args, config_dir, jobs)
    else:
        _train_one(context.args, config_dir)


def _train_one(overrides: Sequence[str], config_dir: Path | None) -> None:
    from tagger.training.composing import compose
    from tagger.training.run import run
    from tagger.training.tracking import check_tracking, track

    config = compose(overrides, config_dir)
    check_tracking(config)
    manifest = run(config)
    track(config)
    typer.echo(f"{config.output}  {manifest.kind} {manifest.version}")
    for name in ("f1_micro", "f1_macro"):
        low, high = manifest.metrics["interval_95"][name]
        typer.echo(f"{name} {manifest.metrics[name]:.3f}  [{low:.3f}, {high:.3f}]")


def _train_many(overrides: Sequence[str], config_dir: Path | None, n_jobs: int) -> None:
    from tagger.cli.extras import require

    if n_jobs > 1:
        require("hydra_plugins.hydra_joblib_launcher", "train", "--jobs")
    from tagger.training.multirun import run_jobs

    done = run_jobs(overrides, config_dir, n_jobs)
    _print_table(done)
    failed = [job for job in done if job.problem]
    if failed:
        typer.echo(f"tagger: {len(failed)} of {len(done)} runs failed.", err=True)
        for job in failed:
            typer.echo(f"tagger: {job.folder}: {job.problem}", err=True)
        raise typer.Exit(3)


def _print_table(jobs: Sequence[Job]) -> None:
    """A line a run: its folder and F1 with intervals, as far as it has them."""
    width = max(len("run"), *(len(job.folder) for job in jobs))
    typer.echo(f"{'run':<{width}}  {'f1_micro':<20}  {'f1_macro':<20}")
    for job in jobs:
        typer.echo(f"{job.folder:<{width}}  {'failed' if job.problem else _figures(job)}".rstrip())


def _figures(job: Job) -> str:
    from tagger.training.finished import read_figures

    figures = read_figures(Path(job.folder))
    cells = []
    for name in ("f1_micro", "f1_macro"):
        low, high = figures["interval_95"][name]
        cells.append(f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]")
    return f"{cells[0]:<20}  {cells[1]:<20}  {'finished before' if job.is_old else ''}"
