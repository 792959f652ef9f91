"""The `tagger` command: the application, its errors and exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import tagger
from tagger.cli import (
    data,
    doctor,
    encoders,
    evaluate,
    experiments,
    labels,
    labels_review,
    models,
    predict,
    search,
    serve,
    train,
)
from tagger.errors import TaggerError, UsageError

#: What Typer raises for a wrong option; it has no public name, and its module has moved.
_WrongUse: type[Exception] = typer.BadParameter.__mro__[1]
#: Of commands that hand their arguments to Hydra.
_HYDRA: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "options_metavar": "[OPTIONS] [KEY=VALUE]...",
}

app = typer.Typer(
    name="tagger",
    help="Tag the measures in Chinese police bulletins (公安通报) with policing domains.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 1 error, 2 wrong use, 3 done but some inputs failed.",
)
app.command()(predict.predict)
app.command(**_HYDRA)(train.train)
app.command(**_HYDRA)(search.search)
app.command()(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(encoders.app, name="encoders")
app.add_typer(data.app, name="data")
app.add_typer(experiments.app, name="experiments")
labels_review.add_to(labels.app)
app.add_typer(labels.app, name="labels")
app.command()(serve.serve)
app.command()(doctor.doctor)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"tagger {tagger.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say what is being done.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback on errors.")] = False,
) -> None:
    """Options of every command."""
    logging.basicConfig(
        level=logging.INFO if verbose or debug else logging.WARNING, format="%(message)s", stream=sys.stderr
    )
    os.environ["TAGGER_DEBUG"] = "1" if debug else ""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    os.environ["TAGGER_DEBUG"] = ""
    try:
        raise SystemExit(_run(list(sys.argv[1:] if args is None else args)))
    except TaggerError as error:
        _end(error, str(error), error.exit_code)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except OSError as error:
        _end(error, f"{error.filename or 'output'}: {error.strerror or error}", 1)
    except Exception as error:
        _end(error, f"internal error ({type(error).__name__}: {error}); run with --debug", 1)


def _run(args: list[str]) -> int:
    """The exit code of a command.

    Not by calling `app`: Typer would tell a wrong option in four lines, and would end with
    code 1 when the reader of our output has gone.
    """
    command = typer.main.get_command(app)
    try:
        with command.make_context("tagger", args) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except _WrongUse as error:
        return _tell_use(error)
    return 0


def _tell_use(error: Exception) -> int:
    message = error.format_message()  # type: ignore[attr-defined]
    if "\n" not in message:
        command = error.ctx.command_path if error.ctx else "tagger"  # type: ignore[attr-defined]
        raise UsageError(message, hint=f"See {command} --help.") from None
    print(message, file=sys.stderr)  # a command without any argument: its help
    return UsageError.exit_code


def _end(error: Exception, message: str, code: int) -> None:
    if os.environ.get("TAGGER_DEBUG"):
        raise error
    print(f"tagger: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code) from None
