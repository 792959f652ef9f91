"""`tagger models`: what models there are, what they say of themselves, and the form that serves."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tagger.models.manifest import Manifest

app = typer.Typer(help="List, show and export models.", no_args_is_help=True, rich_markup_mode=None)


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


@app.command("export")
def export(
    model: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a trained BERT.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Model folder to write; default: DIR-int8 or DIR-onnx.")
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="As an ONNX graph, the one form there is.")] = True,
    int8: Annotated[bool, typer.Option("--int8/--no-int8", help="Weights in 8 bits, or in float32.")] = True,
    data: Annotated[
        Path | None, typer.Option(metavar="DATA.jsonl", help="Labelled sentences to compare on; else the corpus.")
    ] = None,
) -> None:
    """Turn a trained BERT into the form that needs neither torch nor transformers.

    The export is refused if it tags more than 0.5 % of the sentences otherwise, or loses
    more than 0.3 points of macro-F1.

    Example:

      tagger models export runs/bert --onnx --int8
    """
    from tagger.cli.extras import require
    from tagger.cli.options import check_model

    check_model(model, where="DIR")
    for library in ("torch", "onnx"):
        require(library, "bert", "tagger models export")
    if data is None:
        require("hydra", "train", "tagger models export without --data")
    from tagger.training.exporting import export_model

    output = output or Path(f"{Path(model)}-{'int8' if int8 else 'onnx'}")
    _show_export(export_model(model, output, int8=int8, data=data), output)


def _show_export(manifest: Manifest, output: Path) -> None:
    parity = manifest.metrics["parity"]
    size = sum(entry["bytes"] for entry in manifest.files.values()) / 1e6
    typer.echo(f"{output}  {manifest.kind} {manifest.version}  {size:.1f} MB")
    typer.echo(f"tagged otherwise: {parity['changed']:.2%} of {parity['n_texts']} sentences")
    typer.echo(f"f1_macro {parity['f1_macro_before']:.4f} -> {parity['f1_macro_after']:.4f}")
    typer.echo(f"logits differ by {parity['mean_logit_delta']:.4f} on average, {parity['max_logit_delta']:.3f} at most")
    typer.echo(f"{parity['speed_ratio']:.1f} x the speed of torch on these sentences")
