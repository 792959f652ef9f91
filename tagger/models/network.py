"""The network behind `BertClassifier`: an encoder, a mean over each sentence, a linear head.

Imports torch and transformers: only modules that run or train it import this one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

# Whoever opens an encoder by name does so on purpose (`tagger encoders get`); nothing else may ask the hub.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch
from torch import nn
from transformers import BertConfig, BertModel
from transformers.utils import logging as transformers_logging

from tagger.models.passages import Passage

transformers_logging.disable_progress_bar()  # one for every opening of a file, in all output

#: What `BertConfig` is made of; any other setting of a model folder is refused.
_SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
          "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act", "pad_token_id")  # fmt: skip


class Batch(NamedTuple):
    """Passages side by side, filled up to the longest.

    Attributes
    ----------
    input_ids, attention_mask : int64 tensors of shape (n_passages, n_ids)
    pool : float32 tensor of shape (n_passages, n_spans, n_ids)
        See `Passage.pool`; zero for spans that are not there.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    pool: torch.Tensor


class SentenceNetwork(nn.Module):
    """Logits for every sentence of a passage.

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
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, n_domains)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, input_ids: torch.Tensor, pool: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Logits, shape (n_passages, n_spans, n_domains)."""
        return self.head(self.dropout(self.embed(input_ids, pool, attention_mask)))

    def embed(
        self, input_ids: torch.Tensor, pool: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The mean of each span's last hidden states, shape (n_passages, n_spans, hidden_size)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return torch.bmm(pool.to(hidden.dtype), hidden)

    def keep_layers(self, layers: Sequence[int]) -> None:
        """Keep some of the encoder's layers, by number, in the order given."""
        stack = self.encoder.encoder.layer
        self.encoder.encoder.layer = nn.ModuleList([stack[i] for i in layers])
        self.encoder.config.num_hidden_layers = len(layers)

    def architecture(self) -> dict[str, Any]:
        """The settings that `build_network` makes the same network from, JSON-ready."""
        config = self.encoder.config
        return {"n_domains": self.head.out_features, **{name: getattr(config, name) for name in _SIZES}}


def load_encoder(folder: Path, *, attention: str = "sdpa") -> BertModel:
    """Open a BERT encoder from a folder; nothing is fetched and no code of the folder is run.

    Parameters
    ----------
    folder : Path
        With ``config.json`` and ``model.safetensors``.
    attention : {"sdpa", "eager"}
        The fast one, or the one that exports to a graph which can be fused.
    """
    return BertModel.from_pretrained(
        folder, add_pooling_layer=False, attn_implementation=attention, local_files_only=True, use_safetensors=True,
        # Dropout on attention costs the fast CPU attention, on hidden states a fifth of the speed.
        attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0,
    )  # fmt: skip


def build_network(
    architecture: dict[str, Any], weights: dict[str, torch.Tensor], *, attention: str = "sdpa"
) -> SentenceNetwork:
    """A network from its settings and weights.

    Nothing is allocated by the settings alone: weights of other shapes are refused first.

    Raises
    ------
    ValueError, TypeError, KeyError, RuntimeError
        Settings that are no settings, or weights that do not fit them.
    """
    settings = {name: architecture[name] for name in _SIZES}
    config = BertConfig(
        **settings, attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0, attn_implementation=attention
    )
    with torch.device("meta"):
        network = SentenceNetwork(BertModel(config, add_pooling_layer=False), int(architecture["n_domains"]))
    network.load_state_dict(weights, assign=True)
    _restore_buffers(network.encoder, config)
    return network.eval()


def _restore_buffers(encoder: BertModel, config: BertConfig) -> None:
    """What a model holds beside its weights was made on no device either."""
    positions = torch.arange(config.max_position_embeddings).expand((1, -1))
    encoder.embeddings.register_buffer("position_ids", positions, persistent=False)
    zeros = torch.zeros_like(positions)
    encoder.embeddings.register_buffer("token_type_ids", zeros, persistent=False)


def collate(passages: Sequence[Passage], pad: int) -> Batch:
    """Put passages side by side; `pad` is the id that fills them up."""
    n_ids = max(len(passage.ids) for passage in passages)
    n_spans = max(len(passage.spans) for passage in passages)
    input_ids = torch.full((len(passages), n_ids), pad)
    attention_mask = torch.zeros((len(passages), n_ids), dtype=torch.long)
    pool = torch.zeros((len(passages), n_spans, n_ids))
    for row, passage in enumerate(passages):
        input_ids[row, : len(passage.ids)] = torch.tensor(passage.ids)
        attention_mask[row, : len(passage.ids)] = 1
        pool[row, : len(passage.spans), : len(passage.ids)] = torch.from_numpy(passage.pool())
    return Batch(input_ids, attention_mask, pool)
