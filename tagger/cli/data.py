"""`tagger data`: check and count the authored corpus."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check and count the corpus.", no_args_is_help=True, rich_markup_mode=None)
_Folder = Annotated[Path | None, typer.Argument(help="Corpus folder; default: the project's.")]


@app.command()
def check(folder: _Folder = None) -> None:
    """Check every file of a corpus; every breach is named, with its line."""
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
            typer.echo(f"tagger: {error}", err=True)
    typer.echo(f"{len(paths) - n_broken} of {len(paths)} files are well")
    if n_broken:
        raise typer.Exit(1)


@app.command()
def stats(folder: _Folder = None) -> None:
    """Counts by genre, year, province, unit, domain and mark."""
    from tagger.corpus.authored import HEADER_KEYS, load_corpus
    from tagger.domains import load_domains
    from tagger.project import project_path

    domains = load_domains(project_path("labels/domains.yaml"))
    corpus = load_corpus(folder or project_path("labels/corpus"), domains)
    sentences = [s for bulletin in corpus for s in bulletin.sentences]
    n = len(sentences)
    typer.echo(f"{len(corpus)} bulletins, {n} sentences, {sum(len(s.text) for s in sentences)} characters")
    none = sum(not s.domains for s in sentences)
    several = sum(len(s.domains) > 1 for s in sentences)
    typer.echo(f"no domain {none / n:.1%}, two or more {several / n:.1%}")
    _show("domain", Counter(d for s in sentences for d in s.domains))
    _show("mark", Counter(m for s in sentences for m in s.marks))
    for key in HEADER_KEYS:
        _show(key, Counter(bulletin.header[key] for bulletin in corpus))


def _show(title: str, counts: Counter[str]) -> None:
    rows = sorted(counts.items()) if title == "year" else counts.most_common()
    typer.echo(f"{title}: " + ", ".join(f"{name} {count}" for name, count in rows))
