"""What people's agreement says of the ceiling: one annotator scored against another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.errors import InputError
from tagger.evaluation.run_files import read_json
from tagger.evaluation.runs import is_number

_HINT = (
    "Expected between{n_texts, f1_micro, f1_macro, domains{id: {f1}}}, as experiments/agreement/results.json has it."
)


@dataclass(frozen=True)
class Agreement:
    """Figures of a second annotator against a first.

    Attributes
    ----------
    n_texts : int
    f1_micro, f1_macro : float
    domains : dict
        Domain id -> F1.
    """

    n_texts: int
    f1_micro: float
    f1_macro: float
    domains: dict[str, float]


def read_agreement(path: str | Path) -> Agreement:
    """Read a file of agreement figures.

    Raises
    ------
    InputError
        It is missing, or is not such a file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", where=path, hint=_HINT)
    found = read_json(path).get("between")
    try:
        figures = Agreement(
            int(found["n_texts"]), _ratio(found["f1_micro"]), _ratio(found["f1_macro"]),
            {str(id): _ratio(domain["f1"]) for id, domain in found["domains"].items()},
        )  # fmt: skip
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"no agreement in it ({error!r})", where=path, hint=_HINT) from None
    return figures


def _ratio(value: Any) -> float:
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{value!r}, expected a number in [0, 1]")
    return float(value)
