"""The figures of agreement as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from tagger.cli.columns import show_columns


def show_agreement(figures: dict[str, Any], n_differ: int) -> None:
    """Print the figures of `measure_agreement` and `measure_drift`; `n_differ` units are labelled differently."""
    typer.echo(
        f"{figures['n_units']} units of {figures['n_bulletins']} bulletins, {figures['n_shared']} labelled by two or "
        f"more; they differ on {n_differ}"
    )
    _show_annotators(figures["annotators"])
    if figures["n_shared"]:
        _show_alpha(figures["alpha"])
        _show_pairs(figures["pairs"])
        _show_confusion(figures["confusion"])
        _show_drift(figures["drift"])
    _show_f1(figures["f1"])


def _show_annotators(annotators: dict[str, Any]) -> None:
    rows = [
        (name + (" (model)" if a["model"] else ""), str(a["n_labelled"]), str(a["n_skipped"]), str(a["n_empty"]),
         _number(a["seconds"], 0), _percent(a["accepted"]))
        for name, a in annotators.items()
    ]  # fmt: skip
    typer.echo()
    show_columns(("annotator", "labelled", "skipped", "no domain", "seconds each", "pre-annotation kept"), rows)


def _show_alpha(alpha: dict[str, Any]) -> None:
    rows = [("label sets (MASI)", *_with_interval(alpha["sets"], "alpha"))]
    rows += [(id, *_with_interval(row, "alpha")) for id, row in alpha["domains"].items()]
    typer.echo("\nKrippendorff's alpha, all people")
    show_columns(("", "alpha", "95 % interval"), rows)


def _show_pairs(pairs: Sequence[dict[str, Any]]) -> None:
    typer.echo("\nCohen's kappa by pair")
    if not pairs:
        return
    ids = list(pairs[0]["domains"])
    rows = [
        (" – ".join(p["annotators"]), str(p["n_units"]), *(_number(p["domains"][id]["kappa"]) for id in ids),
         _number(p["mean_kappa"]), _number(p["f1_micro"]))
        for p in pairs
    ]  # fmt: skip
    show_columns(("pair", "shared", *ids, "mean", "f1_micro"), rows)


def _show_confusion(confusion: dict[str, Any]) -> None:
    typer.echo("\nWhere one says the row and another does not, the other says (times)")
    rows = [(id, *(f"{c:.1f}".removesuffix(".0") if c else "·" for c in row))
            for id, row in zip(confusion["rows"], confusion["counts"], strict=True)]  # fmt: skip
    show_columns(("", *confusion["columns"]), rows)


def _show_drift(drift: dict[str, Any]) -> None:
    if not drift["windows"]:
        return
    typer.echo("\nAgreement over time (MASI alpha)")
    rows = [(_period(w["from"], w["to"]), str(w["n_units"]), *_with_interval(w, "alpha")) for w in drift["windows"]]
    show_columns(("", "units", "alpha", "95 % interval"), rows)
    change = drift["change"]
    if change and change["drifts"]:
        typer.echo(
            f"Agreement changed by {change['difference']:+.3f} {_interval(change)} from the first half to the second."
        )
    for name, habits in drift["annotators"].items():
        for id, habit in habits.items():
            if habit["drifts"]:
                typer.echo(f"{name} gives {id} to {habit['early']:.0%} of units early, {habit['late']:.0%} late.")


def _period(first: str, last: str) -> str:
    """Dates; within one day, the day and its times (UTC)."""
    if first[:10] != last[:10]:
        return f"{first[:10]} – {last[:10]}"
    return f"{first[:10]} {first[11:16]} – {last[11:16]}"


def _show_f1(f1: dict[str, Any]) -> None:
    rows = [
        (name + (" (model)" if row["model"] else ""), str(row["n_units"]),
         *(_number(row[figure]) for figure in ("f1_micro", "f1_macro", "pairs")))
        for name, row in f1.items()
    ]  # fmt: skip
    typer.echo("\nF1 against the vote of the other people, and against each of them")
    show_columns(("", "units", "f1_micro", "f1_macro", "f1_micro, mean of pairs"), rows)


def _with_interval(row: dict[str, Any], name: str) -> tuple[str, str]:
    return _number(row[name]), _interval(row)


def _interval(row: dict[str, Any]) -> str:
    low, high = row["interval_95"]
    return "—" if low != low else f"[{low:.3f}, {high:.3f}]"


def _number(value: float, digits: int = 3) -> str:
    return "—" if value != value else f"{value:.{digits}f}"


def _percent(value: float) -> str:
    return "—" if value != value else f"{value:.0%}"
