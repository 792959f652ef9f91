"""`tagger train`: train a model from a Hydra configuration."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer


def train(
    context: typer.Context,
    config_dir: Annotated[
        Path | None, typer.Option(help="Another configuration folder than the project's conf/.")
    ] = None,
) -> None:
    """Train a model; settings are given as KEY=VALUE.

    Examples:

      tagger train model=tfidf

      tagger train model=tfidf model.head.C=2 seed=3 output=models/mine
    """
    from tagger.cli.extras import require

    require("hydra", "train", "tagger train")
    from tagger.training.config import compose
    from tagger.training.run import run

    logging.getLogger("tagger").setLevel(logging.INFO)
    config = compose(context.args, config_dir)
    manifest = run(config)
    typer.echo(f"{config.output}  {manifest.kind} {manifest.version}")
    for name in ("f1_micro", "f1_macro"):
        low, high = manifest.metrics["interval_95"][name]
        typer.echo(f"{name} {manifest.metrics[name]:.3f}  [{low:.3f}, {high:.3f}]")
