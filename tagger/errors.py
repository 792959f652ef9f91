"""The one exception tree of the project; imports nothing of it.

::

    TaggerError                 exit code 1
    ├── UsageError              exit code 2: a wrong option, argument or config value
    │   └── MissingExtraError   a command that needs an extra which is not installed
    ├── InputError              a document, data file or record that cannot be used
    │   ├── DecodingError       its bytes are not text in any encoding we accept
    │   ├── DocumentError       it is damaged, encrypted or not what its name says
    │   └── LimitError          it is larger, or grows larger, than we are willing to read
    ├── CorpusError             a corpus file, domain list or lexicon that breaks its format
    ├── ModelError              a model folder that is missing, damaged, foreign or too new
    ├── TrainingError           a training run that cannot go on
    ├── LabellingError          a Label Studio that refuses, or holds what does not fit
    │   └── ConnectionLostError it cannot be reached, or broke off: what it did is unknown
    └── OutputError             the result cannot be written where it should go

A message says where, what was found, what was expected and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

_CONTROL = dict.fromkeys([*range(32), *range(127, 160)], " ")


class TaggerError(Exception):
    """Base of all errors that are told to a person in one line.

    Parameters
    ----------
    message : str
        What was found and what was expected, without a closing full stop.
    where : object, optional
        The file, line, record or option concerned; put in front of the message.
    hint : str, optional
        What to do next, as a sentence.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: object = "", hint: str = "") -> None:
        self.message, self.where, self.hint = message, str(where), hint
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        # File names and model folders come from strangers; a terminal obeys control characters.
        text = " ".join(text.translate(_CONTROL).split())
        if text[-1:] not in ".!?。":
            text += "."
        return " ".join(f"{text} {self.hint}".split())


class UsageError(TaggerError):
    """A wrong option, argument or config value."""

    exit_code = 2


class MissingExtraError(UsageError):
    """A command needs a library that only an extra installs."""

    def __init__(self, library: str, extra: str, need: str) -> None:
        super().__init__(
            f"{need} needs {library}, which is not installed",
            hint=f"Install it with: pip install 'tagger[{extra}]'",
        )


class InputError(TaggerError):
    """A document, data file or record that cannot be used."""


class DecodingError(InputError):
    """Bytes that are not text in any encoding we accept."""


class DocumentError(InputError):
    """A document that is damaged, encrypted or not what its name says."""


class LimitError(InputError):
    """A document that is larger, or grows larger, than we are willing to read."""


class CorpusError(TaggerError):
    """A corpus file, domain list or lexicon that breaks its format."""


class ModelError(TaggerError):
    """A model folder that is missing, damaged, foreign or too new."""


class TrainingError(TaggerError):
    """A training run that cannot go on: its loss is no number."""


class LabellingError(TaggerError):
    """A Label Studio that refuses, or a project in it that holds what does not fit.

    Attributes
    ----------
    status : int
        The HTTP status of a refusal, else 0.
    """

    status = 0


class ConnectionLostError(LabellingError):
    """Label Studio cannot be reached or broke off; whether it did what was asked is unknown."""


class OutputError(TaggerError):
    """The result cannot be written where it should go."""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint: the known name nearest to one that is not known, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
