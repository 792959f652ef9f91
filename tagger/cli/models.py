"""`tagger models`: what models there are and what they say of themselves."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

app = typer.Typer(help="List and show models.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_models() -> None:
    """Models that ship with the package; the default one is starred."""
    from tagger.models.manifest import read_manifest
    from tagger.models.storage import DEFAULT, shipped_models

    for name, folder in shipped_models().items():
        manifest = read_manifest(folder)
        star = "*" if name == DEFAULT else " "
        size = sum(entry["bytes"] for entry in manifest.files.values()) / 1e6
        f1 = manifest.metrics.get("f1_micro")
        figure = f"out-of-fold f1_micro {f1:.3f}" if f1 is not None else ""
        typer.echo(f"{star} {name:<10} {manifest.version}  {size:5.1f} MB  {figure}")


@app.command("show")
def show(
    model: Annotated[str, typer.Argument(help="Model name or folder.")],
) -> None:
    """One model: manifest, thresholds and configuration, as JSON."""
    from tagger.cli.options import check_model
    from tagger.models.storage import load_model

    check_model(model, where="MODEL")
    loaded = load_model(model)
    thresholds = dict(zip(loaded.domains.ids, loaded.thresholds.tolist(), strict=True))
    typer.echo(
        json.dumps(
            {**asdict(loaded.manifest), "thresholds": thresholds, "config": loaded.config},
            ensure_ascii=False, indent=1,
        )
    )  # fmt: skip
