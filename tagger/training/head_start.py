"""The head fitted before the encoder moves.

A random head first drags the encoder along; one that already fits what the encoder knows
leaves more of it in place, which shows on text of another origin (Kumar et al., 2022,
"Fine-tuning can distort pretrained features and underperform out-of-distribution").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tagger.models.network import SentenceNetwork, collate
from tagger.training.passage_plan import LabelledPassage

#: Inverse strength of the penalty; the embeddings lie close together and would else be told apart by noise.
_C = 0.01


def fit_head(
    network: SentenceNetwork, batches: Sequence[Sequence[LabelledPassage]], y_true: np.ndarray, *,
    n_sentences: int, pad: int, bf16: bool,
) -> None:  # fmt: skip
    """Fit the head, in place, by logistic regression on what the encoder says of the first sentences.

    Parameters
    ----------
    network : SentenceNetwork
    batches : sequence of sequences of LabelledPassage
    y_true : ndarray of shape (n_texts, n_domains)
    n_sentences : int
        How many to read, at least; the rest of the batches is not needed.
    pad : int
    bf16 : bool
        Whether to run the encoder in bfloat16.
    """
    embeddings, rows = _embed(network.eval(), batches, n_sentences, pad=pad, bf16=bf16)
    weights, biases = _logistic_regressions(embeddings, y_true[rows])
    network.head.weight.data.copy_(torch.from_numpy(weights))
    network.head.bias.data.copy_(torch.from_numpy(biases))


@torch.no_grad()
def _embed(
    network: SentenceNetwork, batches: Sequence[Sequence[LabelledPassage]], n_sentences: int, *, pad: int, bf16: bool
) -> tuple[np.ndarray, np.ndarray]:
    device = network.head.weight.device
    embeddings, rows = [], []
    for passages in batches:
        batch = collate([p.passage for p in passages], pad)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            embedded = network.embed(*(part.to(device) for part in (batch.input_ids, batch.pool, batch.attention_mask)))
        for own, passage in zip(embedded.float().cpu().numpy(), passages, strict=True):
            is_wanted = passage.rows >= 0
            embeddings.append(own[: len(passage.rows)][is_wanted])
            rows.append(passage.rows[is_wanted])
        if sum(map(len, rows)) >= n_sentences:
            break
    return np.concatenate(embeddings), np.concatenate(rows)


def _logistic_regressions(embeddings: np.ndarray, y_true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_domains, n_features) and biases for the embeddings as they are."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-6
    standardized = (embeddings - mean) / scale
    weights = np.zeros((y_true.shape[1], embeddings.shape[1]))
    biases = np.zeros(len(weights))
    for column, target in enumerate(y_true.T):
        # A domain that none or all of these sentences have starts from its share.
        share = np.clip(target.mean(), 1e-3, 1 - 1e-3)
        biases[column] = np.log(share / (1 - share))
        if target.min() != target.max():
            fitted = LogisticRegression(C=_C, max_iter=200).fit(standardized, target)
            weights[column] = fitted.coef_[0] / scale
            biases[column] = fitted.intercept_[0] - weights[column] @ mean
    return weights.astype(np.float32), biases.astype(np.float32)
