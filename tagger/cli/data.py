"""`tagger data`: check, count and export what models are trained on."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tagger.corpus.statistics import Statistics
    from tagger.errors import TaggerError
    from tagger.training.config import TrainConfig

app = typer.Typer(
    help="Check, count and export labelled data: the project's corpus, or any that KEY=VALUE settings name.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip
_Settings = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FOLDER | KEY=VALUE...]",
        help="A corpus folder, or settings as for tagger train; default: the project's corpus.",
    ),
]
_ConfigDir = Annotated[Path | None, typer.Option(help="Another configuration folder than the project's conf/.")]
_FORMATS = ("jsonl", "csv", "parquet", "datasets")
#: Rows of a long list that are shown.
_SHOWN = 12


@app.command()
def check(settings: _Settings = None, config_dir: _ConfigDir = None) -> None:
    """Name everything that is wrong with data, each with its place; exit code 1 if anything is.

    Examples:

      tagger data check

      tagger data check data=csv data.path=posts.csv data.domains=infer
    """
    folder = _folder(settings)
    if isinstance(folder, list):
        _check_data(_compose(folder, config_dir))
    else:
        _check_corpus(folder)


def _check_corpus(folder: Path | None) -> None:
    from tagger.corpus.authored import corpus_files, load_labelled_bulletin
    from tagger.domains import load_domains
    from tagger.errors import CorpusError
    from tagger.project import project_path

    domains = load_domains(project_path("labels/domains.yaml"))
    paths = corpus_files(folder or project_path("labels/corpus"))
    n_broken = 0
    for path in paths:
        try:
            load_labelled_bulletin(path, domains)
        except CorpusError as error:
            n_broken += 1
            _tell(error)
    typer.echo(f"{len(paths) - n_broken} of {len(paths)} files are well")
    if n_broken:
        raise typer.Exit(1)


def _check_data(config: TrainConfig) -> None:
    from tagger.corpus.examples import examples_from_corpus
    from tagger.corpus.statistics import oddities
    from tagger.training.data import load_bulletins, source_field

    problems: list[TaggerError] = []
    domains, bulletins = load_bulletins(config.data, report=problems.append)
    for path in filter(None, [config.data.test]):
        load_bulletins(config.data, path, domains=domains, report=problems.append)
    for problem in problems:
        _tell(problem)
    examples = examples_from_corpus(bulletins, domains, source_field(config.data))
    what = "is 1 problem" if len(problems) == 1 else f"are {len(problems) or 'no'} problems"
    typer.echo(f"{len(examples)} texts of {len(bulletins)} bulletins, {len(domains)} domains; there {what}")
    for oddity in oddities(examples, domains) if len(examples) else []:
        typer.echo(f"look at: {oddity}")
    if problems:
        raise typer.Exit(1)


def _tell(problem: TaggerError) -> None:
    typer.echo(f"tagger: {problem}", err=True)


@app.command()
def stats(
    settings: _Settings = None,
    config_dir: _ConfigDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every count, as JSON.")] = False,
) -> None:
    """Count bulletins, texts, domains, label sets, what goes together, lengths and sources.

    Examples:

      tagger data stats

      tagger data stats data=jsonl data.path=labelled.jsonl data.domains=infer
    """
    from tagger.corpus.statistics import count
    from tagger.training.data import load_bulletins, source_field

    config = _config(_folder(settings), config_dir)
    domains, bulletins = load_bulletins(config.data)
    found = count(bulletins, domains, source_field(config.data))
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found), ensure_ascii=False, indent=1))
    else:
        _print_counts(_named(found, {d.id: d.zh or d.id for d in domains}) if config.data.domains == "infer" else found)


def _named(found: Statistics, names: dict[str, str]) -> Statistics:
    """With the labels as the data have them, in the place of ids that were made of them."""

    def renamed(counts: dict[str, int]) -> dict[str, int]:
        return {"+".join(names.get(id, id) for id in key.split("+")): n for key, n in counts.items()}

    changed = {field: renamed(getattr(found, field)) for field in ("domains", "label_sets", "together")}
    return dataclasses.replace(found, **changed)  # type: ignore[arg-type]


def _print_counts(found: Statistics) -> None:
    typer.echo(f"{found.n_bulletins} bulletins, {found.n_texts} sentences, {found.n_characters} characters")
    typer.echo(f"no domain {found.none:.1%}, two or more {found.several:.1%}")
    _show("domain", {id: n for id, n in Counter(found.domains).most_common() if n}, limit=None)
    _show("mark", found.marks, limit=None)
    for key, counts in found.headers.items():
        _show(key, dict(sorted(counts.items())) if key == "year" else counts, limit=None)
    _show("label set", {name or "(none)": n for name, n in found.label_sets.items()})
    _show("together", found.together)
    for title, spread in (("characters a sentence", found.characters), ("sentences a bulletin", found.texts)):
        typer.echo(f"{title}: " + ", ".join(f"{name} {value:g}" for name, value in spread.items()))
    _show("source", found.sources)


def _show(title: str, counts: dict[str, int], limit: int | None = _SHOWN) -> None:
    if counts:
        shown = list(counts.items())[:limit]
        more = f", and {len(counts) - len(shown)} more" if len(shown) < len(counts) else ""
        typer.echo(f"{title}: " + ", ".join(f"{name} {count}" for name, count in shown) + more)


@app.command()
def export(
    settings: _Settings = None,
    config_dir: _ConfigDir = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File or folder; without it jsonl and csv go to the screen.")
    ] = None,
    format: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv, parquet or datasets; default: by the output's suffix.")
    ] = None,
    domains_file: Annotated[
        str | None, typer.Option("--domains", help="Write the domain list too, for data.domains=FILE.")
    ] = None,
) -> None:
    """Write data in another form, a text a row with its place, source and domain ids.

    A data set without an output goes into the user's cache, once for the same data; its folder is printed.

    Examples:

      tagger data export -o corpus.parquet

      tagger data export data=label_studio data.path=export.json -o labelled.jsonl

      tagger data export --format datasets
    """
    from tagger.errors import UsageError
    from tagger.training.data import load_bulletins, source_field

    kind = format or _format_of(output)
    if kind not in _FORMATS:
        raise UsageError(f"found {kind!r}, expected {', '.join(_FORMATS)}", where="--format")
    if kind == "parquet" and output is None:
        raise UsageError("found no output, expected a file", where="--format parquet", hint="Give -o FILE.parquet.")
    config = _config(_folder(settings), config_dir)
    _refuse_inputs([output, domains_file], config)
    domains, bulletins = load_bulletins(config.data)
    _write(kind, output, (domains, bulletins, source_field(config.data)))
    if domains_file:
        _write_domains(domains.to_dict(), domains_file)


def _format_of(output: str | None) -> str:
    suffix = Path(output or "").suffix.lower().removeprefix(".")
    return suffix or ("datasets" if output else "jsonl")


def _refuse_inputs(outputs: Sequence[str | None], config: TrainConfig) -> None:
    from tagger.predict.outputs import refuse_inputs

    inputs = [path for path in (config.data.path, config.data.corpus, config.data.domains) if path]
    for output in outputs:
        refuse_inputs(output, inputs)


def _write(kind: str, output: str | None, loaded: tuple[Any, ...]) -> None:
    from tagger.corpus.statistics import rows_of
    from tagger.corpus.tables import write_csv, write_jsonl, write_parquet
    from tagger.predict.outputs import open_output

    _, bulletins, source = loaded
    if kind == "datasets":
        _write_dataset(output, loaded)
    elif kind == "parquet":
        write_parquet(rows_of(bulletins, source), str(output))
    else:
        with open_output(output) as stream:
            (write_csv if kind == "csv" else write_jsonl)(rows_of(bulletins, source), stream)


def _write_dataset(output: str | None, loaded: tuple[Any, ...]) -> None:
    from tagger.corpus.datasets import cached_dataset, save_dataset
    from tagger.corpus.examples import examples_from_corpus
    from tagger.errors import OutputError

    domains, bulletins, source = loaded
    examples = examples_from_corpus(bulletins, domains, source)
    if output is None:
        typer.echo(cached_dataset(examples, domains))
        return
    folder = Path(output)
    if folder.exists() and not (folder / "dataset_info.json").is_file() and not _is_empty(folder):
        raise OutputError("holds something that is not a data set", where=folder, hint="Choose another folder.")
    save_dataset(examples, domains, folder)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _write_domains(domains: dict[str, Any], path: str) -> None:
    import yaml

    from tagger.predict.outputs import open_output

    with open_output(path) as stream:
        stream.write(yaml.safe_dump(domains, allow_unicode=True, sort_keys=False))


def _folder(settings: list[str] | None) -> Path | list[str] | None:
    """The corpus folder, or the settings; None for neither."""
    from tagger.errors import UsageError

    if not settings:
        return None
    folders = [setting for setting in settings if "=" not in setting]
    if not folders:
        return settings
    if len(settings) > 1:
        raise UsageError(f"found {folders[0]!r} among settings, expected KEY=VALUE", where="tagger data",
                         hint="A folder of the corpus among settings is data.corpus=FOLDER.")  # fmt: skip
    return Path(folders[0])


def _config(given: Path | list[str] | None, config_dir: Path | None) -> TrainConfig:
    """The config of settings; the corpus itself needs no Hydra."""
    from tagger.training.config import DataConfig, TrainConfig

    if isinstance(given, list) or config_dir:
        return _compose(given if isinstance(given, list) else [], config_dir)
    return TrainConfig(data=DataConfig(corpus=str(given) if given else None))


def _compose(settings: Sequence[str], config_dir: Path | None) -> TrainConfig:
    from tagger.cli.extras import require

    require("hydra", "train", "tagger data with settings")
    from tagger.training.composing import compose

    return compose(settings, config_dir)
