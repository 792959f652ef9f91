"""What a config of a BERT must hold, asked before anything is trained: a typing mistake must not cost an hour."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagger.errors import ModelError, UsageError, did_you_mean
from tagger.models.encoder_classifier import EncoderClassifier
from tagger.training.losses import LOSSES
from tagger.training.model_config import BertConfig

_PRECISIONS = ("auto", "bf16", "fp32")
_INFINITE = float("inf")
#: Setting -> the least and the greatest value that it may have; None, where it may be, is not asked.
_RANGES = {
    "teacher_epochs": (0, _INFINITE), "max_length": (8, _INFINITE), "refit_epochs": (0, _INFINITE),
    "scored_folds": (1, _INFINITE), "shrinkage": (0, _INFINITE),
    "fine_tuning.epochs": (1, _INFINITE), "fine_tuning.layer_decay": (0, 1), "fine_tuning.head_rate": (0, _INFINITE),
    "fine_tuning.head_start": (0, _INFINITE), "fine_tuning.weight_decay": (0, _INFINITE), "fine_tuning.warmup": (0, 1),
    "fine_tuning.batch_pieces": (1, _INFINITE), "fine_tuning.accumulate": (1, _INFINITE),
    "fine_tuning.gamma": (0, _INFINITE), "fine_tuning.r_drop": (0, _INFINITE), "fine_tuning.teacher_weight": (0, 1),
    "fine_tuning.hidden_weight": (0, _INFINITE), "fine_tuning.validation": (0, 0.5),
    "fine_tuning.patience": (1, _INFINITE),
}  # fmt: skip
#: Those that must be above 0, and finite.
_POSITIVE = ("fine_tuning.learning_rate", "fine_tuning.positive_weight", "fine_tuning.temperature")


def check_bert(model: BertConfig, encoder: Path) -> None:
    """A `UsageError` for settings that no BERT can be trained with, or that would train another in silence.

    Parameters
    ----------
    model : BertConfig
    encoder : Path
        Its encoder's folder, whose ``config.json`` says how many layers there are.

    Raises
    ------
    UsageError
        Names the setting, what was found and what is expected.
    ModelError
        The encoder's ``config.json`` cannot be read.
    """
    for name, (least, greatest) in _RANGES.items():
        value = _setting(model, name)
        if value is not None and not least <= value <= greatest:
            upwards = f"at least {least}" if greatest == _INFINITE else f"{least} to {greatest}"
            raise UsageError(f"found {value:g}, expected {upwards}", where=f"model.{name}")
    for name in _POSITIVE:
        if not 0 < _setting(model, name) < _INFINITE:
            raise UsageError(f"found {_setting(model, name):g}, expected a number above 0", where=f"model.{name}")
    if not 0 <= model.fine_tuning.dropout < 1:
        raise UsageError(
            f"found {model.fine_tuning.dropout:g}, expected 0 or more, below 1", where="model.fine_tuning.dropout"
        )
    _check_name(model.fine_tuning.loss, LOSSES, "model.fine_tuning.loss")
    _check_name(model.fine_tuning.precision, _PRECISIONS, "model.fine_tuning.precision")
    _check_signals(model.signals)
    _check_layers(model, encoder)


def _setting(model: BertConfig, name: str) -> Any:
    part, _, own = name.rpartition(".")
    return getattr(getattr(model, part) if part else model, own)


def _check_name(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        raise UsageError(f"found {name!r}", where=where, hint=did_you_mean(name, known))


def _check_signals(signals: Sequence[str]) -> None:
    known = EncoderClassifier.known_signals
    if unknown := [name for name in signals if name not in known]:
        raise UsageError(f"unknown signals {unknown}", where="model.signals", hint=f"Known: {', '.join(known)}.")
    if list(signals[:1]) != ["text"]:
        raise UsageError(f"found {list(signals)}, expected text first", where="model.signals")


def _check_layers(model: BertConfig, encoder: Path) -> None:
    """Layers that the encoder has, each once, and inputs that it can read."""
    path = encoder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        n_layers, longest = int(config["num_hidden_layers"]), int(config["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"not the config of an encoder ({type(error).__name__})", where=path) from None
    layers = model.layers
    if layers is not None and not (layers and all(0 <= layer < n_layers for layer in layers)):
        raise UsageError(
            f"layers {layers}, expected numbers from 0 to {n_layers - 1}", where="model.layers",
            hint="model.layers=null keeps all layers of the encoder.",
        )  # fmt: skip
    if layers is not None and len(set(layers)) < len(layers):
        raise UsageError(f"layers {layers}, expected each once", where="model.layers")
    if model.max_length > longest:
        raise UsageError(
            f"found {model.max_length}, expected at most the encoder's {longest}", where="model.max_length"
        )
