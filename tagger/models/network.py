"""The network behind `BertClassifier`: an encoder, and a head that looks for each domain's pieces.

Imports torch and transformers: only modules that run or train it import this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import BertConfig, BertModel
from transformers.utils import logging as transformers_logging

transformers_logging.disable_progress_bar()  # one for every opening of a file, in all output

#: What `BertConfig` is made of; any other setting of a model folder is ignored.
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
          "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act", "pad_token_id")  # fmt: skip
#: Dropout on attention costs the fast CPU attention, on hidden states a fifth of the speed.
_NO_DROPOUT = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.0}


class Batch(NamedTuple):
    """Inputs side by side, filled up to the longest: int64 tensors of shape (n_inputs, n_pieces)."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor


class DomainHead(nn.Module):
    """One logit a domain from the pieces of a sentence.

    Every piece says how much it speaks for a domain and how much it should be listened to;
    the logit is the mean of the former weighted by the latter. Before training all are
    listened to alike, which is the mean over pieces that encoders are pretrained with.

    Mullenbach et al. (2018), "Explainable prediction of medical codes from clinical text"
    (label-wise attention).

    Parameters
    ----------
    hidden_size, n_domains : int
    dropout : float
    """

    def __init__(self, hidden_size: int, n_domains: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.value = nn.Linear(hidden_size, n_domains)
        self.attention = nn.Linear(hidden_size, n_domains)
        nn.init.normal_(self.value.weight, std=0.02)
        for tensor in (self.value.bias, self.attention.weight, self.attention.bias):
            nn.init.zeros_(tensor)
        # Hidden states lie close together: told apart from their mean, they train several times faster.
        self.register_buffer("mean", torch.zeros(hidden_size))
        self.register_buffer("scale", torch.ones(hidden_size))

    def forward(self, hidden: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (n_inputs, n_domains) of hidden states (n_inputs, n_pieces, hidden_size)."""
        hidden = self.dropout((hidden.float() - self.mean) / self.scale)
        attention = self.attention(hidden)
        if attention_mask is not None:
            attention = attention.masked_fill(attention_mask[:, :, None] == 0, -1e4)
        return (torch.softmax(attention, dim=1) * self.value(hidden)).sum(dim=1)


class SentenceNetwork(nn.Module):
    """Logits of sentences.

    Parameters
    ----------
    encoder : BertModel
    n_domains : int
    dropout : float, default=0.1
        Before the head, in training.
    """

    def __init__(self, encoder: BertModel, n_domains: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = DomainHead(encoder.config.hidden_size, n_domains, dropout)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, *, with_hidden: bool = False
    ) -> Any:
        """Logits, shape (n_inputs, n_domains); `with_hidden`, and hidden states, (n_inputs, n_pieces, hidden_size)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        with torch.autocast(hidden.device.type, enabled=False):  # small sums, which bfloat16 would blur
            logits = self.head(hidden, attention_mask)
        return (logits, hidden) if with_hidden else logits

    def embed(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The mean of each input's last hidden states, float32, shape (n_inputs, hidden_size)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        mask = attention_mask[:, :, None].float()
        return (hidden * mask).sum(dim=1) / mask.sum(dim=1)

    def keep_layers(self, layers: Sequence[int]) -> None:
        """Keep some of the encoder's layers, by number, in the order given."""
        stack = self.encoder.encoder.layer
        self.encoder.encoder.layer = nn.ModuleList([stack[i] for i in layers])
        self.encoder.config.num_hidden_layers = len(layers)

    def architecture(self) -> dict[str, Any]:
        """The settings that `build_network` makes the same network from, JSON-ready."""
        config = self.encoder.config
        return {"n_domains": self.head.value.out_features, **{name: getattr(config, name) for name in _SIZES}}


def load_encoder(folder: Path) -> BertModel:
    """Open a BERT encoder from a folder; nothing is fetched and no code of the folder is run.

    Parameters
    ----------
    folder : Path
        With ``config.json`` and ``model.safetensors``.
    """
    return BertModel.from_pretrained(
        folder, add_pooling_layer=False, attn_implementation="sdpa", local_files_only=True, use_safetensors=True,
        **_NO_DROPOUT,
    )  # fmt: skip


def build_network(
    architecture: dict[str, Any], weights: dict[str, torch.Tensor], *, attention: str = "sdpa"
) -> SentenceNetwork:
    """A network from its settings and weights.

    Nothing is allocated by the settings alone: weights of other shapes are refused first.

    Parameters
    ----------
    architecture : dict
        See `SentenceNetwork.architecture`.
    weights : dict of str to tensor
    attention : {"sdpa", "eager"}
        The fast one, or the one that exports to a graph which can be fused.

    Raises
    ------
    ValueError, TypeError, KeyError, RuntimeError
        Settings that are no settings, or weights that do not fit them.
    """
    settings = {name: architecture[name] for name in _SIZES}
    _check_settings({"n_domains": architecture["n_domains"], **settings}, weights)
    config = BertConfig(**settings, **_NO_DROPOUT, attn_implementation=attention)
    with torch.device("meta"):
        network = SentenceNetwork(BertModel(config, add_pooling_layer=False), architecture["n_domains"])
    network.load_state_dict(weights, assign=True)
    _restore_buffers(network.encoder, config)
    return network.eval()


def _check_settings(settings: dict[str, Any], weights: Iterable[str]) -> None:
    """Settings of the right kinds, and as many layers as there are weights of.

    The libraries raise errors of their own, or make layers until memory is full.
    """
    for name, value in settings.items():
        kind = {"layer_norm_eps": float, "hidden_act": str}.get(name, int)
        is_none = name == "pad_token_id" and value in (None, 0)
        is_kind = isinstance(value, kind) and not isinstance(value, bool) and bool(value)
        if not is_none and (not is_kind or (kind is not str and not 0 < value < 2**31)):
            raise ValueError(f"{name} {value!r}")
    if (settings["pad_token_id"] or 0) >= settings["vocab_size"]:
        raise ValueError("the padding piece is beyond the last one")
    layers = {name.split(".")[3] for name in weights if name.startswith("encoder.encoder.layer.")}
    if settings["num_hidden_layers"] != len(layers):
        raise ValueError(f"{settings['num_hidden_layers']} layers, weights of {len(layers)}")


def _restore_buffers(encoder: BertModel, config: BertConfig) -> None:
    """What a model holds beside its weights was made on no device either."""
    positions = torch.arange(config.max_position_embeddings).expand((1, -1))
    encoder.embeddings.register_buffer("position_ids", positions, persistent=False)
    encoder.embeddings.register_buffer("token_type_ids", torch.zeros_like(positions), persistent=False)


def collate(inputs: Sequence[Sequence[int]], pad: int) -> Batch:
    """Put inputs side by side; `pad` is the id that fills them up."""
    n_pieces = max(map(len, inputs))
    input_ids = torch.full((len(inputs), n_pieces), pad)
    attention_mask = torch.zeros((len(inputs), n_pieces), dtype=torch.long)
    for row, ids in enumerate(inputs):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        attention_mask[row, : len(ids)] = 1
    return Batch(input_ids, attention_mask)
