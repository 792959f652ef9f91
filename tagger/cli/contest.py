"""What `tagger experiments compare` shows and writes."""

from __future__ import annotations

import csv
import json
from typing import Any

import typer

from tagger.cli.columns import clean, show_columns
from tagger.evaluation.comparison import verdict
from tagger.evaluation.contest import (
    Contest,
    config_difference,
    differences,
    other_bulletins,
    other_folds,
    spread,
)

_PARTS = {"out_of_fold": "out of fold", "test": "test set"}
#: A cell that begins so would run in a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show_contest(contest: Contest) -> None:
    """The verdicts, the figures behind them, and what the seeds do."""
    typer.echo(
        f"{contest.n_units:,} {contest.level}s of {contest.n_bulletins:,} bulletins that all runs have, "
        f"{_PARTS[contest.part]}"
    )
    for name, n in contest.left_out.items():
        if n:
            typer.echo(f"left out: {n:,} sentences that only {clean(name)} has" if len(contest.scores) == 2 else
                       f"left out: {n:,} sentences of {clean(name)}")  # fmt: skip
    if names := other_folds(contest):
        typer.echo(
            f"warning: not of the same folds as {clean(names[0])}: {', '.join(map(clean, names[1:]))}. A text may have "
            "been scored after more or other training in one run than in another, and the tests in pairs do not know "
            "it; split.file=RUN/split.json trains on the same folds"
        )
    for pair in contest.pairs:
        _show_pair(contest, pair)
    _show_other_bulletins(contest)
    _show_seeds(contest)
    _show_settings(contest)


def _show_pair(contest: Contest, pair: dict[str, Any]) -> None:
    comparison, names = pair["comparison"], (clean(pair["a"]), clean(pair["b"]))
    typer.echo(f"\n{verdict(comparison, *names, ids=contest.domains.ids)}")
    tests = comparison["mcnemar"] or [None] * len(contest.domains)
    rows = [
        ["f1_micro", *_cells(comparison["f1_micro"]), "", ""],
        ["f1_macro", *_cells(comparison["f1_macro"]), "", ""],
    ]
    for id, entry, test in zip(contest.domains.ids, comparison["domains"], tests, strict=True):
        rows.append([id, *_cells(entry), *_mcnemar(test)])
    head = ["F1", *names, "difference", "95 %", "p (Holm)", "only one right", "McNemar p (Holm)"]
    show_columns(head, rows, indent="  ")


def _cells(entry: dict[str, Any]) -> list[str]:
    low, high = (100 * bound for bound in entry["interval"])
    p = entry.get("p_holm", entry["p_value"])
    return [f"{entry['a']:.3f}", f"{entry['b']:.3f}", f"{100 * entry['difference']:+.1f}",
            f"[{low:+.1f}, {high:+.1f}]", f"{p:.2g}"]  # fmt: skip


def _mcnemar(test: dict[str, Any] | None) -> list[str]:
    return [f"{test['only_a_right']} : {test['only_b_right']}", f"{test['p_holm']:.2g}"] if test else ["—", "—"]


def _show_other_bulletins(contest: Contest) -> None:
    """The figures that no threshold could fit, for what the figures above flatter."""
    found = {name: figures for name, figures in other_bulletins(contest).items() if figures}
    if not found:
        return
    typer.echo(
        "\nF1 above is by thresholds chosen on the same scores. With thresholds of other bulletins, on all sentences "
        "that each run scored:"
    )
    rows = [[name, f"{f['f1_micro']:.3f}", f"{f['f1_macro']:.3f}"] for name, f in found.items()]
    show_columns(["run", "f1_micro, thresholds of other bulletins", "f1_macro"], rows, indent="  ")


def _show_seeds(contest: Contest) -> None:
    rows = [
        [side.name, metric, f"{s['mean']:.3f}", f"{s['sd']:.4f}", f"{s['low']:.3f}–{s['high']:.3f}"]
        for side in contest.sides if len(side.runs) > 1 for metric, s in spread(side, contest).items()
    ]  # fmt: skip
    if rows:
        typer.echo("\nwhat the seed alone does")
        show_columns(["runs", "F1", "mean", "sd", "range"], rows, n_text=2, indent="  ")


def _show_settings(contest: Contest) -> None:
    runs = [side.runs[0] for side in contest.sides]
    if found := config_difference(runs):
        typer.echo("\nsettings that differ")
        rows = [[key, *(_shortened(json.dumps(v, ensure_ascii=False, default=str), 40) for v in values)]
                for key, values in found.items()]  # fmt: skip
        show_columns(["", *(run.name for run in runs)], rows, n_text=len(runs) + 1, indent="  ")


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def show_differences(contest: Contest, limit: int) -> None:
    """The texts that the runs tag otherwise, the surest first."""
    found = list(differences(contest))
    typer.echo(f"\n{len(found):,} {contest.level}s are not tagged alike" + (", such as" if found else ""))
    for row in found[:limit]:
        typer.echo(f"  {clean(row['id'])}  {clean(_shortened(row['text'], 160))}")
        typer.echo(f"    labels: {_named(row['domains'])}")
        for name, tags in row["tags"].items():
            scores = ", ".join(f"{id} {score:.2f}" for id, score in row["scores"][name].items())
            typer.echo(f"    {clean(name)}: {_named(tags)}  ({scores})")


def _named(ids: list[str]) -> str:
    return ", ".join(ids) or "—"


def write_differences(contest: Contest, output: str) -> None:
    """All of them, as JSON lines or as a table for spreadsheets."""
    from tagger.predict.outputs import open_output

    with open_output(output) as stream:
        if output.endswith(".jsonl"):
            for row in differences(contest):
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
            return
        stream.write("\ufeff")  # spreadsheets then read UTF-8
        writer = csv.writer(stream)
        names = list(contest.scores)
        writer.writerow(
            map(_safe, ["id", "bulletin", "text", "labels", "differs", *(f"tags {name}" for name in names)])
        )
        for row in differences(contest):
            tags = [" ".join(row["tags"][name]) for name in names]
            cells = [row["id"], row["bulletin"], row["text"], " ".join(row["domains"]), " ".join(row["differs"]), *tags]
            writer.writerow(map(_safe, cells))


def _safe(cell: str) -> str:
    """An apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.lstrip(" \u3000\xa0\ufeff").startswith(_FORMULA) else cell


def write_figures(contest: Contest, output: str) -> None:
    """Everything that was computed, as JSON."""
    from tagger.evaluation.summary import to_json
    from tagger.predict.outputs import open_output

    data = {
        "part": contest.part, "level": contest.level, "n_units": contest.n_units, "n_bulletins": contest.n_bulletins,
        "left_out": contest.left_out, "domains": list(contest.domains.ids), "pairs": contest.pairs,
        "other_folds": other_folds(contest), "thresholds_of_other_bulletins": other_bulletins(contest),
        "sides": {side.name: {"runs": [run.name for run in side.runs], **spread(side, contest)}
                  for side in contest.sides},
    }  # fmt: skip
    with open_output(output) as stream:
        stream.write(json.dumps(to_json(data), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
