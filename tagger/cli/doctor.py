"""`tagger doctor`: what is installed, what works, and how to mend what does not."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec

import typer

_BASE = ("numpy", "scipy", "scikit-learn", "skops", "onnxruntime", "tokenizers", "opencc", "rjieba",
         "trafilatura", "lxml", "lxml_html_clean", "python-docx", "pypdfium2", "typer", "rich", "PyYAML")  # fmt: skip


def doctor() -> None:
    """Check the installation: libraries, extras, models and readers. Exit code 1 if something fails."""
    import tagger

    typer.echo(f"tagger {tagger.__version__}, Python {platform.python_version()}, {sys.platform}")
    problems = [line for check in (_libraries, _models, _readers) for line in check()]
    _extras()
    for problem in problems:
        typer.echo(f"PROBLEM {problem}")
    typer.echo("all is well" if not problems else f"{len(problems)} to mend")
    if problems:
        raise typer.Exit(1)


def _libraries() -> list[str]:
    problems, found = [], []
    for name in _BASE:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            problems.append(f"{name} is missing: pip install --force-reinstall tagger")
    typer.echo("libraries: " + ", ".join(found))
    return problems


def _extras() -> None:
    from tagger.cli.extras import EXTRAS

    for extra, library in EXTRAS.items():
        state = "installed" if find_spec(library) else f"not installed: pip install 'tagger[{extra}]'"
        typer.echo(f"extra [{extra}]: {state}")


def _models() -> list[str]:
    from tagger.bulletins.bulletin import parse_bulletin
    from tagger.models.storage import DEFAULT, load_model, shipped_models
    from tagger.predict.tagging import tag_bulletin

    def use(name: str) -> None:
        tag_bulletin(parse_bulletin("查处违法停车十二起。"), load_model(name))

    problems = [p for name in shipped_models() if (p := _try(f"model {name}", lambda n=name: use(n)))]
    if DEFAULT not in shipped_models():
        problems.append(f"the default model {DEFAULT} is not here: pip install --force-reinstall tagger")
    return problems


def _readers() -> list[str]:
    from tagger.bulletins.reading import extractor

    page = "<html><body><p>民警在夜市巡逻。</p></body></html>".encode()
    problem = _try("reader of documents", lambda: extractor().extract("html", page))
    return [problem] if problem else []


def _try(name: str, action: Callable[[], object]) -> str:
    """ "" if an action works, else a line about it."""
    try:
        action()
    except Exception as error:  # a check-up reports whatever is wrong
        return f"{name}: {error}"
    typer.echo(f"{name}: works")
    return ""
