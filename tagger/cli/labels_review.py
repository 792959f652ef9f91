"""`tagger labels agreement, merge, next, audit`: what annotators said, and what to look at; files alone, no server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tagger.cli.agreement_tables import show_agreement

if TYPE_CHECKING:
    from tagger.labelling.opinions import Opinions
    from tagger.labelling.review_queue import ReviewQueue
    from tagger.models.storage import Model


class Unit(StrEnum):
    """What is compared."""

    paragraph = "paragraph"
    sentence = "sentence"


class Method(StrEnum):
    """How opinions become one."""

    vote = "vote"
    dawid_skene = "dawid-skene"


_Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="annotations.jsonl, or folders of tagger labels pull.")
]
_Level = Annotated[Unit, typer.Option(help="Compare labels of paragraphs, or of marked sentences.")]
_Domains = Annotated[Path | None, typer.Option(help="Domain list; default: the project's labels/domains.yaml.")]
_Queue = Annotated[
    str | None, typer.Option(metavar="FILE.jsonl", help="Write the review queue: tasks with every opinion in view.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this module on `tagger labels`."""
    app.command("agreement")(agreement)
    app.command("merge")(merge)
    app.command("next")(choose)
    app.command("audit")(audit)
    app.command("review")(review)


def agreement(
    files: _Files,
    model: Annotated[
        list[str] | None, typer.Option(help="Hold a model's tags against the people's; give it again for more.")
    ] = None,
    level: _Level = Unit.paragraph,
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write all figures as JSON.")] = None,
    disagreements: Annotated[
        str | None, typer.Option(metavar="FILE.csv|FILE.jsonl", help="Write the units that annotators differ on.")
    ] = None,
    queue: _Queue = None,
    resamples: Annotated[int, typer.Option(min=100, max=100_000, help="Draws of bulletins behind an interval.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of these draws.")] = 0,
    domains: _Domains = None,
) -> None:
    """Do the annotators agree, where not, does it change, and how does a model stand beside them?

    Krippendorff's alpha over all (MASI for label sets), Cohen's kappa by pair and domain, with 95 %
    intervals over bulletins; what one says where another differs; agreement over time. 0.8 and more
    is reliable, below 0.67 nothing should be concluded from the labels (Krippendorff).

    Examples:

      tagger labels agreement pulled

      tagger labels agreement pulled --model bert --disagreements differ.csv --queue review.jsonl
    """
    from tagger.labelling.agreement import measure_agreement
    from tagger.labelling.disagreements import find_disagreements, review_queue
    from tagger.labelling.drift import measure_drift
    from tagger.labelling.opinions import read_opinions

    _check_outputs([output, disagreements, queue], files)
    people = read_opinions(files, _domain_set(domains), level=level.value)
    judged = _with_models(people, model or [])
    figures = measure_agreement(judged, n_resamples=resamples, seed=seed)
    figures["drift"] = measure_drift(people, n_resamples=resamples, seed=seed)
    differ = find_disagreements(people)
    show_agreement(figures, len(differ))
    if output:
        _write(output, [json.dumps(_plain(figures), ensure_ascii=False, indent=1) + "\n"])
    if disagreements:
        _write(disagreements, _rows_for(disagreements, differ, people.annotators))
    if queue:
        _write_queue(queue, review_queue(differ, people.domains))


def merge(
    files: _Files,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Labelled units as JSON lines; - for standard output.")
    ] = "-",
    method: Annotated[
        Method, typer.Option(help="Majority, or Dawid and Skene's error rates (needs overlap).")
    ] = Method.vote,
    adjudicator: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose labels win wherever there are any; elsewhere the vote.")
    ] = None,
    level: _Level = Unit.paragraph,
    domains: _Domains = None,
) -> None:
    """Make one set of labels a unit out of several annotators'.

    A unit on which the vote is tied is left out and named: send it through the review queue, or name
    an adjudicator. The lines are what tagger evaluate and tagger train read.

    Example:

      tagger labels merge pulled --adjudicator chief@station -o merged.jsonl
    """
    from tagger.errors import UsageError
    from tagger.labelling.merging import merge_by_adjudicator, merge_by_dawid_skene, merge_by_vote
    from tagger.labelling.opinions import read_opinions

    if adjudicator and method is Method.dawid_skene:
        raise UsageError("found both, expected one", where="--adjudicator and --method dawid-skene")
    _check_outputs([output], files)
    if method is Method.dawid_skene:
        _require("crowdkit", "crowd-kit", "tagger labels merge --method dawid-skene")
    opinions = read_opinions(files, _domain_set(domains), level=level.value)
    if adjudicator:
        merged = merge_by_adjudicator(opinions, adjudicator)
    else:
        merged = (merge_by_vote if method is Method.vote else merge_by_dawid_skene)(opinions)
    _write(output, (json.dumps(line, ensure_ascii=False) + "\n" for line in merged.lines()))
    tied = [opinions.units[i].uid for i in merged.is_open.nonzero()[0] if opinions.given[:, i].any()]
    _note(f"{int((~merged.is_open).sum())} of {len(opinions)} units merged; {len(tied)} tied, "
          f"{int(merged.is_open.sum()) - len(tied)} without labels")  # fmt: skip
    if tied:
        _note(f"tagger: tied and left out: {', '.join(tied[:5])}{' …' if len(tied) > 5 else ''}")


def choose(
    inputs: Annotated[list[str], typer.Argument(metavar="FILE...", help="Bulletins: files, folders, globs.")],
    n: Annotated[int, typer.Option("--number", "-n", min=1, help="How many paragraphs.")] = 100,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="The model to improve; more of them to see where they differ. Default: bert, tfidf, lexicon."
        ),
    ] = None,
    labelled: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="What is labelled already: annotations, or pulled folders.")
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Paragraphs as JSON lines; - for standard output.")
    ] = "-",
    queue: Annotated[
        str | None, typer.Option(metavar="FILE.jsonl", help="Write them as a queue for Label Studio.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of text and HTML; default: recognised.")] = None,
    domains: _Domains = None,
) -> None:
    """Choose the paragraphs that are most worth labelling next, the best first.

    Doubt against each domain's threshold, disagreement of the models, unlikeness to what is chosen
    already, and a share for rare domains. With --labelled, what is done is left out, and a hint
    says when more labels of this kind will change little.

    Example:

      tagger labels next bulletins/ -n 100 --labelled pulled -o next.jsonl
    """
    from tagger.cli.labels_next import choose_paragraphs

    _check_outputs([output, queue], [*inputs, *(labelled or [])])
    chosen = choose_paragraphs(
        inputs, n, model or ["bert", "tfidf", "lexicon"], labelled or [], encoding, _domain_set(domains)
    )
    _write(output, (json.dumps(row, ensure_ascii=False) + "\n" for row in chosen.rows))
    if queue:
        _write_queue(queue, chosen.queue())
    for error in chosen.errors:
        _note(f"tagger: {error}")
    _note(f"{len(chosen.rows)} of {chosen.n_free} unlabelled paragraphs; {chosen.hint}" if chosen.hint
          else f"{len(chosen.rows)} of {chosen.n_free} unlabelled paragraphs")  # fmt: skip
    if chosen.errors:
        raise typer.Exit(3)


def audit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of tagger train, or its out_of_fold.npz.")],
    n: Annotated[
        int | None, typer.Option("--number", "-n", min=1, help="At most so many; default: all suspects.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Whose words are shown; default: the run's own model.")] = None,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE.csv|FILE.jsonl", help="Default: JSON lines on standard output."),
    ] = "-",
    queue: _Queue = None,
) -> None:
    """Find labels that are likely wrong: the model, without having seen them, was sure of something else.

    cleanlab's multi-label ranking on out-of-fold scores; each suspect with its score, the threshold and
    the words that carried it. People decide.

    Example:

      tagger labels audit runs/tfidf -n 100 -o suspects.csv --queue review.jsonl
    """
    from tagger.labelling.audit import find_suspects, read_out_of_fold, review_queue

    _require("cleanlab", "cleanlab", "tagger labels audit")
    _check_outputs([output, queue], [str(run)])
    scores = read_out_of_fold(run)
    explaining = _explaining_model(run, model, scores)
    suspects = find_suspects(scores, n, explain=_explainer(explaining, scores) if explaining else None)
    domains = explaining.domains if explaining else _domain_set(None)
    # Before anything is written: a run without tasks is refused.
    tasks = review_queue(scores, suspects, domains) if queue else None
    _write(output, _suspect_rows(output, suspects))
    if queue and tasks:
        _write_queue(queue, tasks)
        if n_left := sum(not suspect.uid for suspect in suspects):
            _note(f"tagger: {n_left} suspects were labelled in no task, and are not in the queue.")
    _note(f"{len(suspects)} suspects among {len(scores.ids)} texts")


def review(
    queue: Annotated[
        str, typer.Argument(metavar="QUEUE.jsonl", help="What agreement, next, audit or pull wrote by --queue.")
    ],
    url: Annotated[
        str | None, typer.Option(help="Address of a Label Studio; default: LABEL_STUDIO_URL, else the local one.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(help="Its token; better by LABEL_STUDIO_API_KEY.")] = None,
    project: Annotated[str | None, typer.Option(help="Title or number of the project.")] = None,
) -> None:
    """Show a queue in Label Studio: a tab with its tasks, each with a note and every opinion to start from.

    Again it writes nothing. Tasks that the project does not have are named and left out: push their
    bulletins first.

    Example:

      tagger labels agreement pulled --queue review.jsonl && tagger labels review review.jsonl
    """
    _require("label_studio_sdk", "label-studio-sdk", "tagger labels review")
    from tagger.labelling.access import find_access
    from tagger.labelling.client import LabelStudioServer
    from tagger.labelling.project import TITLE, need_project
    from tagger.labelling.review_push import ServerReviewClient, read_queue
    from tagger.labelling.review_queue import ReviewQueue, push_queue

    wanted = read_queue(queue)
    server = LabelStudioServer(find_access(url, api_key))
    client = ServerReviewClient(server, need_project(server, project or TITLE).id)
    missing = set(client.missing(wanted))
    there = ReviewQueue(wanted.title, tuple(task for task in wanted.tasks if task.uid not in missing))
    typer.echo(f"{push_queue(client, there)} tasks in the tab “{there.title}”; {server.n_writes} writing requests")
    if missing:
        _note(f"tagger: no task for {', '.join(sorted(missing)[:5])}{' …' if len(missing) > 5 else ''}; push first.")
        raise typer.Exit(3)


def _domain_set(path: Path | None) -> Any:
    from tagger.domains import load_domains
    from tagger.project import project_path

    return load_domains(path or project_path("labels/domains.yaml"))


def _require(library: str, package: str, need: str) -> None:
    from importlib.util import find_spec

    from tagger.errors import MissingExtraError

    if find_spec(library) is None:
        raise MissingExtraError(package, "label", need)


def _check_outputs(outputs: Sequence[str | None], inputs: Sequence[str]) -> None:
    """An output is no input, and no two outputs are one file."""
    from tagger.errors import UsageError
    from tagger.predict.outputs import refuse_inputs

    named = [path for path in outputs if path and path != "-"]
    # A folder stands for the files in it.
    files = [str(file) for name in inputs for file in (Path(name).iterdir() if Path(name).is_dir() else [name])]
    for path in named:
        refuse_inputs(path, files)
    if len({str(Path(path).absolute()) for path in named}) < len(named):
        raise UsageError("found one file named twice, expected a file for each", where=named[-1])


def _note(text: str) -> None:
    typer.echo(text, err=True)


def _write(path: str, lines: Iterable[str]) -> None:
    from tagger.predict.outputs import open_output

    with open_output(path) as stream:
        for line in lines:
            stream.write(line)


def _write_queue(path: str, queue: ReviewQueue) -> None:
    _write(path, queue.lines())
    _note(f"{len(queue.uids)} tasks in the queue “{queue.title}”: {path}")


def _rows_for(path: str, differ: Sequence[Any], annotators: Sequence[str]) -> Iterable[str]:
    from tagger.labelling.disagreements import table_rows

    if path.lower().endswith(".csv"):
        return _csv(table_rows(differ, annotators))
    return (json.dumps(d.to_dict(), ensure_ascii=False) + "\n" for d in differ)


def _suspect_rows(path: str, suspects: Sequence[Any]) -> Iterable[str]:
    from tagger.labelling.audit import table_rows

    if path.lower().endswith(".csv"):
        return _csv(table_rows(suspects))
    return (json.dumps(s.to_dict(), ensure_ascii=False) + "\n" for s in suspects)


def _csv(rows: Iterable[Sequence[Any]]) -> Iterable[str]:
    from tagger.predict.as_csv import BOM, line

    yield BOM
    for row in rows:
        yield line(row)


def _with_models(people: Opinions, names: Sequence[str]) -> Opinions:
    from tagger.cli.labels_next import tag_units
    from tagger.cli.options import check_model

    judged = people
    for name in names:
        check_model(name)
        judged = judged.with_model(*tag_units(name, people))
    return judged


def _explaining_model(run: Path, name: str | None, scores: Any) -> Model | None:
    """The model named, else the run's own, if there is one."""
    from tagger.cli.options import check_model
    from tagger.errors import UsageError
    from tagger.models.storage import load_model

    check_model(name)
    if name is None and not (run / "model").is_dir():
        return None
    model = load_model(name or run / "model")
    if model.domains.ids != scores.domains:
        raise UsageError(f"knows {', '.join(model.domains.ids)}, expected {', '.join(scores.domains)}", where="--model")
    return model


def _explainer(model: Model, scores: Any) -> Callable[[int, int], Sequence[str]]:
    """The words that carried a score."""
    from tagger.bulletins.context import TextInContext
    from tagger.bulletins.normalize import normalize

    def explain(row: int, column: int) -> Sequence[str]:
        text = TextInContext(normalize(scores.texts[row]).text, title=normalize(scores.titles[row]).text)
        return [e.ngram for e in model.classifier.explain(text, column) if e.field == "text"] if text.text else []

    return explain


def _plain(value: Any) -> Any:
    """Figures as JSON has them: no nan, no arrays."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return None if isinstance(value, float) and value != value else value
