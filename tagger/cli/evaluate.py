"""`tagger evaluate`: a model against labelled data."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer


def evaluate(
    data: Annotated[
        str, typer.Argument(metavar="DATA.jsonl", help="Labelled sentences: text, domains[, bulletin, paragraph].")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(help="A name that ships, a model folder, or a run folder; give it again to compare."),
    ] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write the figures as JSON.")] = None,
    threshold: Annotated[float | None, typer.Option(help="One threshold for all domains.")] = None,
) -> None:
    """Measure models on labelled sentences, by sentence, paragraph and bulletin.

    Each line of DATA.jsonl holds text and domains; lines with the same bulletin and
    paragraph give each other context, as on the page. Sentences that are taken for page
    furniture count as tagged with nothing.
    """
    from tagger.cli.options import check_model, check_threshold
    from tagger.models.storage import DEFAULT, load_model
    from tagger.predict.outputs import open_output, refuse_inputs
    from tagger.training.measuring import measure

    check_threshold(threshold)
    for name in model or []:
        check_model(name)
    refuse_inputs(output, [data])
    figures = {}
    for name in model or [DEFAULT]:
        loaded = load_model(name).with_threshold(threshold)
        figures[f"{loaded.name} {loaded.version}"] = measure(loaded, data)
    _print(figures)
    if output:
        with open_output(output) as stream:
            stream.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")


def _print(figures: dict[str, dict[str, Any]]) -> None:
    for name, levels in figures.items():
        typer.echo(name)
        for level in ("sentence", "paragraph", "bulletin"):
            f = levels[level]
            low, high = f["interval_95"]["f1_micro"]
            typer.echo(
                f"  {level:<10} f1_micro {f['f1_micro']:.3f} [{low:.3f}, {high:.3f}]  "
                f"f1_macro {f['f1_macro']:.3f}  precision {f['precision_micro']:.3f}  "
                f"recall {f['recall_micro']:.3f}  exact {f['exact_match']:.3f}  n {f['n_texts']}"
            )
        if n_furniture := levels["sentence"]["n_furniture"]:
            typer.echo(f"  {n_furniture} of the sentences are taken for page furniture, and tagged with nothing")
        for id, d in levels["sentence"]["domains"].items():
            typer.echo(
                f"    {id:<16} precision {d['precision']:.3f}  recall {d['recall']:.3f}  "
                f"f1 {d['f1']:.3f}  support {d['support']}"
            )
