"""What all routes share: the model on duty, the lanes to it, and the retrainer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tagger.service.duty import Duty, Lane
from tagger.service.pre_annotation import model_version
from tagger.service.retraining import Retrainer


@dataclass
class Workplace:
    """One service.

    Attributes
    ----------
    duty : Duty
    retrainer : Retrainer or None
        None where the service does not retrain.
    quick : Lane
        Single texts and Label Studio's tasks: somebody is waiting for them.
    long : Lane
        Files and records. One at a time, so that the quick ones get through beside it.
    reading : Lane
        Taking documents apart, which may last as long as its time limit.
    """

    duty: Duty
    retrainer: Retrainer | None = None
    # Two at a time: a paragraph's few sentences do not fill the processors (experiments/service).
    quick: Lane = field(default_factory=lambda: Lane(2, 200))
    long: Lane = field(default_factory=lambda: Lane(1, 20))
    reading: Lane = field(default_factory=lambda: Lane(2, 100))

    def describe_model(self) -> dict[str, Any]:
        """The model on duty, for people and for Label Studio."""
        model = self.duty.model
        return {"name": model.name, "version": model.version, "kind": model.manifest.kind,
                "model_version": model_version(model)}  # fmt: skip

    def retraining(self) -> dict[str, Any] | None:
        """How retraining stands; None where there is none."""
        return self.retrainer.describe() if self.retrainer else None
