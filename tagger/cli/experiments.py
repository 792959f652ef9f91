"""`tagger experiments`: runs listed, compared and reported on."""

from __future__ import annotations

import logging
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tagger.evaluation.report.blocks import Report
    from tagger.evaluation.runs import Run

log = logging.getLogger(__name__)
app = typer.Typer(help="List, compare and report on runs.", no_args_is_help=True, rich_markup_mode=None)


class Level(StrEnum):
    """Units that are compared."""

    sentence = "sentence"
    paragraph = "paragraph"
    bulletin = "bulletin"


class Language(StrEnum):
    """Languages of the report."""

    zh = "zh"
    en = "en"


class Images(StrEnum):
    """Files of plots beside a Markdown report."""

    svg = "svg"
    png = "png"


_Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Run folders, or folders of them; tagger train writes them.")
]
_Test = Annotated[bool, typer.Option("--test", help="Scores of the test set instead of those out of fold.")]


@app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to look in.")] = Path("runs"),
) -> None:
    """The runs in a folder: what they are, how good, how long they took.

    Figures are of sentences, out of fold, with 95 % intervals. f1_micro and f1_macro are by the
    run's thresholds, which were chosen on the same scores; in the column after them each
    bulletin is tagged by thresholds of the others: the figure to state.
    """
    from tagger.cli.columns import show_columns
    from tagger.errors import InputError, TaggerError
    from tagger.evaluation.runs import find_runs, read_run

    paths = find_runs(folder)
    if not paths:
        raise InputError("no run in it" if folder.is_dir() else "no such folder", where=folder,
                         hint="tagger train … output=DIR writes one.")  # fmt: skip
    rows, n_failed = [], 0
    for path in paths:
        try:
            rows.append(_list_row(path, read_run(path), folder))
        except TaggerError as error:
            n_failed += 1
            typer.echo(f"tagger: {error}", err=True)
    head = ["run", "kind", "seed", "data", "f1_micro", "f1_macro", "f1_micro, thresholds of other bulletins", "seconds"]
    show_columns(head, rows, n_text=4)
    if n_failed:
        raise typer.Exit(3)


def _list_row(path: Path, run: Run, folder: Path) -> list[str]:
    figures, seconds = run.figures(), run.cost.get("seconds")
    return [
        str(path.relative_to(folder)) if path != folder else run.name, run.kind,
        "—" if run.seed is None else str(run.seed), run.data_hash[:8] or "—", _with_interval(figures, "f1_micro"),
        _with_interval(figures, "f1_macro"), _with_interval(run.other_bulletins, "f1_micro"),
        "—" if seconds is None else f"{seconds:,.1f}",
    ]  # fmt: skip


def _with_interval(figures: dict[str, Any], name: str) -> str:
    """What the run wrote down; a dash for what it did not."""
    try:
        if "interval_95" not in figures:
            return f"{figures[name]:.3f}"
        low, high = figures["interval_95"][name]
        return f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]"
    except (KeyError, TypeError, ValueError):
        return "—"


@app.command("compare")
def compare(
    runs: _Runs,
    level: Annotated[Level, typer.Option(help="What is compared.")] = Level.sentence,
    test: _Test = False,
    sentences: Annotated[int, typer.Option(min=0, help="Show so many of the texts that are tagged otherwise.")] = 0,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write all of them, as .csv or .jsonl.")
    ] = None,
    figures: Annotated[str | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")] = None,
    resamples: Annotated[
        int | None, typer.Option(min=100, help="Of the bootstrap; by default 2000, more for many tests.")
    ] = None,
) -> None:
    """Say which run is better, by how much, and whether that can be told.

    Paired bootstrap over bulletins, and McNemar's test for each domain, on the texts that all
    runs have; p-values corrected after Holm. Runs that differ in their seeds alone are one side.

    Example:

      tagger experiments compare runs/bert runs/tfidf --sentences 10
    """
    from tagger.cli.contest import show_contest, show_differences, write_differences, write_figures
    from tagger.evaluation.contest import hold_contest
    from tagger.evaluation.runs import read_runs

    _check_suffix(output, (".csv", ".jsonl"))
    contest = hold_contest(
        read_runs(runs), "test" if test else "out_of_fold", level.value, n_resamples=resamples
    )  # fmt: skip
    show_contest(contest)
    if sentences:
        show_differences(contest, sentences)
    if output:
        write_differences(contest, output)
    if figures:
        write_figures(contest, figures)


@app.command("report")
def report(
    runs: _Runs,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="report.html, one page, or report.md, with a folder.")
    ],
    lang: Annotated[Language, typer.Option(help="Chinese with English terms, or English.")] = Language.zh,
    agreement: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="People's agreement, drawn as the ceiling.")
    ] = None,
    test: _Test = False,
    errors: Annotated[int, typer.Option(min=0, help="Errors shown of each kind in each domain.")] = 5,
    evidence: Annotated[bool, typer.Option(help="Mark the words that carried a wrong tag; asks the models.")] = True,
    images: Annotated[Images, typer.Option(help="Form of the plots beside report.md.")] = Images.svg,
) -> None:
    """Write tables and plots on runs, as one page that needs nothing else.

    Example:

      tagger experiments report runs/bert runs/tfidf -o report.html --agreement experiments/agreement/results.json
    """
    from tagger.cli.evidence import explain_run
    from tagger.cli.extras import require
    from tagger.evaluation.agreement import read_agreement
    from tagger.evaluation.runs import read_runs

    _check_suffix(output, (".html", ".md"))
    require("matplotlib", "train", "tagger experiments report")
    from tagger.evaluation.report.content import build_report

    built = build_report(
        read_runs(runs), lang=lang.value, part="test" if test else "out_of_fold",
        agreement=read_agreement(agreement) if agreement else None, explain=explain_run if evidence else None,
        n_errors=errors,
    )  # fmt: skip
    _write(built, output, images.value)


def _check_suffix(output: str | None, expected: tuple[str, ...]) -> None:
    from tagger.errors import OutputError, UsageError

    if output is None:
        return
    if not Path(output).parent.is_dir():  # now rather than after a minute of drawing
        raise OutputError("no such folder", where=Path(output).parent, hint="Make it first.")
    if Path(output).suffix not in expected:
        raise UsageError(f"found {output}, expected a name that ends in {' or '.join(expected)}", where="--output")


def _write(built: Report, output: str, images: str) -> None:
    import tagger
    from tagger.predict.outputs import open_output

    footer = f"tagger {tagger.__version__}"
    if output.endswith(".html"):
        from tagger.evaluation.report.as_html import write_page

        text = write_page(built, footer)
    else:
        from tagger.evaluation.report.as_markdown import write_markdown

        folder = Path(output).with_suffix("")
        folder = folder.with_name(f"{folder.name}_files")
        text = write_markdown(built, folder.name, suffix=images, footer=footer)
        _write_pictures(built, folder, images)
    with open_output(output) as stream:
        stream.write(text)
    log.info("%s is written", output)


def _write_pictures(built: Report, folder: Path, images: str) -> None:
    """Into a folder of nothing but pictures, which takes the place of the one of an earlier report."""
    from tagger.errors import OutputError
    from tagger.evaluation.report.as_markdown import write_pictures
    from tagger.folders import replace_folder

    foreign = [p.name for p in folder.iterdir() if p.suffix not in (".svg", ".png")] if folder.is_dir() else []
    if foreign or (folder.exists() and not folder.is_dir()):
        found = f"holds {sorted(foreign)[0]}, which is no plot" if foreign else "is a file"
        raise OutputError(f"{found}; the plots would go there", where=folder, hint="Choose another name.")
    pictures = write_pictures(built, images)

    def fill(place: Path) -> None:
        for name, data in pictures.items():
            (place / name).write_bytes(data)

    replace_folder(folder, fill)
