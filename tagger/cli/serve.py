"""`tagger serve`: REST, a page, and Label Studio's ML backend."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all, with --basic-auth.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free one.", min=0, max=65535)] = 9090,
    model: Annotated[
        str | None, typer.Option(help="A name that ships (see tagger models list), a model folder, or a run folder.")
    ] = None,
    basic_auth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with USER:PASSWORD; or set TAGGER_BASIC_AUTH. Default: no password."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Retrain when Label Studio asks, and keep the models in DIR."),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A setting of tagger train for retraining; again for more."),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(min=0, max=100, help="Points of F1 that a retrained model may lose; 100: any model serves."),
    ] = 2.0,
    serving: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Serve the model of retraining N, as kept in DIR; 0: that of --model."),
    ] = None,
) -> None:
    """Serve a model: REST, a page to paste bulletins into, Label Studio's ML backend.

    Retraining runs `tagger labels pull` and `tagger train` in the background. The new model is
    held against the one that serves, on annotated paragraphs that neither was trained on: it
    takes its place where it is 95 % sure to lose no more than --margin points of micro-F1, and
    no domain is known to lose more. Else it is kept, and the log and /version say so; put it on
    duty by --serving, or go back to an earlier one.

    LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY say where to
    pull from; without them, what Label Studio hands over is used, if it is on this machine
    or --basic-auth is set.

    Examples:

      tagger serve

      tagger serve --model models/mine --port 8080

      tagger serve --models served --train model=tfidf --basic-auth password.txt
    """
    from tagger.cli.extras import require
    from tagger.cli.options import check_model
    from tagger.errors import UsageError
    from tagger.models.storage import DEFAULT

    for library in ("fastapi", "uvicorn", "python_multipart"):
        require(library, "serve", "tagger serve")
    check_model(model)
    if models is not None:
        for library, extra in (("hydra", "train"), ("label_studio_sdk", "label")):
            require(library, extra, "tagger serve --models")
    elif train or serving is not None:
        raise UsageError(
            "needs --models DIR, where retrained models go", where="--train" if train else "--serving"
        )  # fmt: skip
    from tagger.service import running

    logging.getLogger("tagger").setLevel(logging.INFO)
    running.serve(
        running.Settings(
            host, port, model or DEFAULT, models, basic_auth, tuple(train or ()), margin=margin, serving=serving
        )
    )
