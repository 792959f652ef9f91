"""`tagger labels`: label bulletins in Label Studio, from making a project to pulling examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tagger.cli import labels_server
from tagger.cli.extras import require

if TYPE_CHECKING:
    from tagger.labelling.client import LabelStudioServer
    from tagger.labelling.migration import Migration
    from tagger.labelling.project import Project
    from tagger.labelling.pull import Exported
    from tagger.labelling.pulled import Pulled
    from tagger.labelling.push import Pushed
    from tagger.predict.inputs import Source

app = typer.Typer(help="Label bulletins in Label Studio.", no_args_is_help=True, rich_markup_mode=None)
labels_server.add_to(app)  # first in the help, as they come first in use
_Url = Annotated[
    str | None, typer.Option(help="Address of a Label Studio; default: LABEL_STUDIO_URL, else the local one.")
]
_Key = Annotated[
    str | None,
    typer.Option(help="Its token, legacy or personal; better by LABEL_STUDIO_API_KEY, which no process list shows."),
]
_Title = Annotated[
    str | None, typer.Option("--project", help="Title or number of the project; default: 公安通报领域标注.")
]
_Domains = Annotated[Path | None, typer.Option(help="Domain list; default: the project's labels/domains.yaml.")]


@app.command("init")
def init(
    url: _Url = None,
    api_key: _Key = None,
    project: _Title = None,
    domains: _Domains = None,
    guideline: Annotated[
        Path | None, typer.Option(help="Annotators' rules; default: the project's labels/guideline.md.")
    ] = None,
    annotators: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="People each paragraph is given to; default: as the project has it, at first 1."
        ),
    ] = None,
    rename: Annotated[list[str] | None, typer.Option(metavar="OLD=NEW", help="A domain has a new id.")] = None,
    merge: Annotated[list[str] | None, typer.Option(metavar="OLD,OLD=NEW", help="Domains have become one.")] = None,
    split: Annotated[list[str] | None, typer.Option(metavar="OLD=NEW,NEW", help="A domain has become several.")] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="OLD", help="A domain is given up.")] = None,
    backup: Annotated[
        Path | None,
        typer.Option(help="Where a migration keeps the annotations as they were; default: beside the local server."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do what a change of domains does to annotations.")] = False,
) -> None:
    """Make the project, or bring it up to date with the domains and the guideline.

    Where the domains have changed, say how: annotations are carried over, and those that must be
    looked at again are listed. Without --yes this is told and nothing is done.

    Annotators disagree only where several see the same paragraph: with --annotators 2, each is
    given to two people, and tagger labels agreement has something to compare.

    Examples:

      tagger labels init --annotators 2

      tagger labels init --rename patrol=street_patrol --yes
    """
    from tagger.labelling.access import labels_home
    from tagger.labelling.migration import declared_changes, migrate, plan_migration
    from tagger.labelling.project import TITLE, create_project, differing, find_project, update_project, wanted_settings

    changes = declared_changes(rename=rename, merge=merge, split=split, drop=drop)
    domain_set, rules = _domain_set(domains), guideline or _project_path("labels/guideline.md")
    server = _server(url, api_key)
    settings = wanted_settings(domain_set, rules, n_annotators=annotators)
    found = find_project(server, project or TITLE)
    if found is None:
        made = create_project(server, project or TITLE, settings)
        typer.echo(f"{server.url}/projects/{made.id}")
        return
    migration = plan_migration(server, found, domain_set, changes)
    if migration is None:
        changed = differing(found, settings)
        if changed:
            update_project(server, found, changed)
        typer.echo(f"{server.url}/projects/{found.id}")
        typer.echo(f"updated: {', '.join(sorted(changed))}" if changed else "nothing to change", err=True)
        return
    _show_migration(migration)
    if not yes:
        typer.echo("Nothing was done. Pass --yes to do it.", err=True)
        return
    folder = backup or labels_home() / "backups"
    kept = migrate(server, found, migration, settings, folder, progress=_every_few_seconds())
    typer.echo(f"{server.url}/projects/{found.id}")
    typer.echo(f"The annotations as they were: {kept}", err=True)


def _every_few_seconds(pause: float = 3.0) -> Callable[[str], None]:
    """Prints a line of progress on standard error, unless it printed one a moment ago."""
    last = time.monotonic()

    def tell(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= pause:
            typer.echo(line, err=True)
            last = time.monotonic()

    return tell


def _show_migration(migration: Migration) -> None:
    for line in migration.summary():
        typer.echo(line, err=True)
    for row in migration.recheck_rows():
        typer.echo("\t".join(row))


@app.command("push")
def push(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Bulletins and records: files, folders, globs.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model that pre-annotates, by name or folder; none for no pre-annotation.")
    ] = None,
    spans: Annotated[bool, typer.Option("--spans", help="Mark the tagged sentences too.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Accept another bulletin under a name that is taken.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove tasks without work whose paragraph is gone.")] = False,
    pulled: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Push what a pull has fetched, annotations included.")
    ] = None,
    text_field: Annotated[str, typer.Option(help="The field of records that holds the text.")] = "text",
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text, HTML and records; default: recognised.")
    ] = None,
    url: _Url = None,
    api_key: _Key = None,
    project: _Title = None,
) -> None:
    """Bring bulletins into the project, a task a paragraph, pre-annotated by a model.

    Pushing again writes nothing; a changed paragraph changes its task. If the connection
    breaks, push again: what is done is not done twice.

    Example:

      tagger labels push bulletins/ --model tfidf
    """
    from tagger.errors import UsageError
    from tagger.labelling.project import TITLE, connected_backends, hidden_by, need_project, without_misfits
    from tagger.labelling.push import push as push_tasks

    if bool(inputs) == bool(pulled):
        raise UsageError("expected either FILE... or --pulled DIR", hint="See tagger labels push --help.")
    server = _server(url, api_key)
    found = need_project(server, project or TITLE)
    if pulled:
        from tagger.labelling.restore import tasks_to_restore

        tasks, n_failed = tasks_to_restore(server, pulled), 0
    else:
        tasks, n_failed = _tasks(inputs or [], model, spans=spans, text_field=text_field, encoding=encoding)
    backends = connected_backends(server, found)
    for reason in hidden_by(found, tasks, backends):
        typer.echo(f"tagger: pre-annotations would stay hidden: {reason}.", err=True)
    tasks = without_misfits(found, tasks)
    try:
        done = push_tasks(server, found.id, tasks, replace=replace, prune=prune)
    except KeyboardInterrupt:
        typer.echo("tagger: interrupted. Push again: what is done is not done twice.", err=True)
        raise
    _show_version(server, found, tasks, backends)
    _show_pushed(done)
    if n_failed:
        raise typer.Exit(3)


def _show_version(
    server: LabelStudioServer, project: Project, tasks: list[dict[str, Any]], backends: frozenset[str]
) -> None:
    from tagger.labelling.project import show_version, shown_predictions

    versions = {prediction["model_version"] for task in tasks for prediction in task["predictions"]}
    if len(versions) == 1:
        show_version(server, project, *versions, backends=backends)
    if told := shown_predictions(project, versions, backends):
        typer.echo(f"{told}.", err=True)


def _show_pushed(done: Pushed) -> None:
    typer.echo(
        f"{done.n_new} new, {done.n_changed} changed, {done.n_same} as they were, "
        f"{done.n_predictions} pre-annotated anew, {done.n_removed} removed; {done.n_writes} writing requests"
    )
    for task in done.gone:
        typer.echo(f"tagger: {task.uid}: its paragraph is gone from the bulletin (task {task.id}).", err=True)
    for task in done.doubled:
        typer.echo(f"tagger: {task.uid}: task {task.id} is a copy, and annotated; a pull unites them.", err=True)


def _tasks(
    inputs: list[str], model: str | None, *, spans: bool, text_field: str, encoding: str | None
) -> tuple[list[dict[str, Any]], int]:
    """Import tasks of all inputs, and how many inputs or records failed; each has been named."""
    from tagger.cli.options import check_model
    from tagger.errors import InputError
    from tagger.models.storage import DEFAULT, load_model
    from tagger.predict.as_label_studio import tasks
    from tagger.predict.inputs import find_sources

    check_model(model)
    loaded = load_model("lexicon" if model == "none" else model or DEFAULT)
    found, errors = [], []
    sources = find_sources(inputs)
    errors += [source for source in sources if isinstance(source, InputError)]
    good = [source for source in sources if not isinstance(source, InputError)]
    for tagged, record in _tagged(good, loaded, text_field, encoding, errors):
        found += tasks(tagged, "paragraph", record=record, spans=spans)
    for error in errors:
        typer.echo(f"tagger: {error}", err=True)
    if model == "none":
        found = [{**task, "predictions": []} for task in found]
    return found, len(errors)


def _tagged(
    sources: list[Source], model: Any, text_field: str, encoding: str | None, errors: list[Any]
) -> Iterator[Any]:
    from tagger.bulletins.reading import read_bulletin
    from tagger.errors import InputError, TaggerError, UsageError
    from tagger.predict.records import tag_records
    from tagger.predict.tagging import tag_bulletins

    def readable() -> Iterator[Any]:
        for source in sources:
            try:
                if not source.is_records:
                    yield read_bulletin(source.path, encoding=encoding)
            except UsageError:
                raise
            except TaggerError as error:
                errors.append(error)

    yield from ((tagged, None) for tagged in tag_bulletins(readable(), model))
    for source in sources:
        if source.is_records:
            for one in tag_records(source.path, model, text_field, encoding):
                if one.tagged is None:
                    errors.append(InputError(one.record.error, where=f"{source.path}:{one.record.line}"))
                else:
                    yield one.tagged, one.record.fields


@app.command("pull")
def pull(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for what is pulled.")] = Path(
        "pulled"
    ),
    full: Annotated[bool, typer.Option("--full", help="Fetch everything, not only what has changed.")] = False,
    recheck: Annotated[
        bool, typer.Option("--recheck", help="Take annotations that must be looked at again for labels all the same.")
    ] = False,
    queue: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl", help="Write what must be looked at again as a queue for tagger labels review."
        ),
    ] = None,
    domains: _Domains = None,
    url: _Url = None,
    api_key: _Key = None,
    project: _Title = None,
) -> None:
    """Fetch the annotations: the raw export, and the examples made from it.

    Writes raw-export.json, annotations.jsonl (one line an annotation), examples.jsonl (what
    models are trained on), unlabelled.jsonl (what has no label, and why) and pull.json.

    With --queue, the paragraphs whose text or domains have changed since they were labelled are
    asked for again: tagger labels review shows them in a tab of their own, each with the reason.

    Examples:

      tagger labels pull -o pulled && tagger labels agreement pulled/annotations.jsonl

      tagger labels pull --queue again.jsonl && tagger labels review again.jsonl
    """
    from tagger.labelling.project import TITLE, need_project
    from tagger.labelling.pull import FILES
    from tagger.labelling.pull import pull as pull_tasks

    if queue:
        _check_queue(queue, [output / name for name in FILES])
    server = _server(url, api_key)
    found = need_project(server, project or TITLE)
    pulled, exported = pull_tasks(server, found, output, _domain_set(domains), full=full, recheck=recheck)
    _show_pulled(pulled, exported, output)
    if queue:
        _write_rechecks(queue, pulled)


def _check_queue(queue: Path, own: list[Path]) -> None:
    from tagger.errors import OutputError, UsageError

    if queue.resolve() in {path.resolve() for path in own}:
        raise UsageError("is a file of the pull itself", where=f"--queue {queue}", hint="Choose another name.")
    if queue.is_dir() or not queue.absolute().parent.is_dir():
        raise OutputError("is a folder, or in none that is there", where=queue, hint="Give a file name.")


def _write_rechecks(queue: Path, pulled: Pulled) -> None:
    """An empty file where nothing is left: an older queue in its place would ask for what has been done."""
    from tagger.labelling.pull import write_text
    from tagger.labelling.rechecks import recheck_queue

    made = recheck_queue(pulled.annotations)
    write_text(queue, "".join(made.lines()))
    told = f"{len(made.uids)} tasks in the queue “{made.title}”: {queue}" if made.uids else "nothing to look at again"
    typer.echo(told, err=True)


def _show_pulled(pulled: Pulled, exported: Exported, output: Path) -> None:
    c = pulled.counts
    typer.echo(
        f"{c['tasks']} paragraphs: {c['labelled']} labelled ({c['no_domain']} with no domain), "
        f"{c['disputed']} disputed, {c['skipped']} skipped, {c['recheck']} to look at again, "
        f"{c['unlabelled']} unlabelled"
    )
    typer.echo(
        f"{c['annotations']} annotations by {c['annotators']} people, {len(pulled.examples)} examples in {output}; "
        f"{exported.n_fetched} of {len(exported.tasks)} tasks fetched", err=True,
    )  # fmt: skip
    if c["foreign"]:
        typer.echo(
            f"tagger: {c['foreign']} tasks were not pushed by tagger; they are in the raw export only.", err=True
        )
    if c["disputed"]:
        typer.echo(
            f"tagger: annotators disagree on {c['disputed']} paragraphs; tagger labels merge settles them.", err=True
        )


def _server(url: str | None, api_key: str | None) -> LabelStudioServer:
    require("label_studio_sdk", "label", "tagger labels")
    from tagger.labelling.access import find_access
    from tagger.labelling.client import LabelStudioServer

    return LabelStudioServer(find_access(url, api_key))


def _domain_set(path: Path | None) -> Any:
    from tagger.domains import load_domains

    return load_domains(path or _project_path("labels/domains.yaml"))


def _project_path(name: str) -> Path:
    from tagger.project import project_path

    return project_path(name)
