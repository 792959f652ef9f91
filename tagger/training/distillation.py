"""What a network learns from a larger one: its scores and its last hidden states; imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from tagger.models.bert import batches_by_length
from tagger.models.network import SentenceNetwork, collate

#: Pieces in a batch that the teacher reads, filling included.
_BUDGET = 4096


@dataclass(frozen=True)
class Teaching:
    """What a teacher makes of each input.

    Attributes
    ----------
    logits : tensor of shape (n_inputs, n_domains)
        float32.
    hidden : list of tensor of shape (n_pieces, hidden_size), or None
        bfloat16: half a gigabyte for 15,000 sentences.
    """

    logits: torch.Tensor
    hidden: list[torch.Tensor] | None = None

    def take(self, numbers: Sequence[int]) -> dict[str, torch.Tensor]:
        """What is told of some inputs, by number: ``teacher`` and, if there are any, ``hidden`` states."""
        told = {"teacher": self.logits[list(numbers)]}
        if self.hidden is not None:
            told["hidden"] = pad_sequence([self.hidden[number] for number in numbers], batch_first=True)
        return told


@torch.no_grad()  # not inference mode: what it makes takes part in the loss
def read_teacher(
    teacher: SentenceNetwork, inputs: Sequence[Sequence[int]], pad: int, *, with_hidden: bool, bf16: bool = False
) -> Teaching:
    """Have a teacher read all inputs once.

    Parameters
    ----------
    teacher : SentenceNetwork
    inputs : sequence of sequence of int
        Piece ids.
    pad : int
        Id of the piece that fills inputs up.
    with_hidden : bool
        Keep the hidden states too.
    bf16 : bool
        Whether to compute in bfloat16.
    """
    teacher.eval()
    device = teacher.head.mean.device
    logits = torch.zeros(len(inputs), teacher.head.value.out_features)
    hidden: list[torch.Tensor] = [torch.empty(0)] * len(inputs)
    for numbers in batches_by_length([len(ids) for ids in inputs], _BUDGET):
        batch = collate([inputs[number] for number in numbers], pad)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            said, states = teacher(*(part.to(device) for part in batch), with_hidden=True)
        logits[numbers] = said.float().cpu()
        for number, state in zip(numbers, states, strict=True) if with_hidden else ():
            hidden[number] = state[: len(inputs[number])].to("cpu", torch.bfloat16).clone()
    return Teaching(logits, hidden if with_hidden else None)
