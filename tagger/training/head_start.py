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
from tagger.training.batch_plan import Inputs

#: Inverse strength of the penalty; the embeddings lie close together and would else be told apart by noise.
_C = 0.01


def fit_head(
    network: SentenceNetwork, inputs: Inputs, y_true: np.ndarray, plan: Sequence[list[int]], *,
    n_sentences: int, pad: int, bf16: bool,
) -> None:  # fmt: skip
    """Fit the head, in place, by logistic regression on what the encoder says of the first sentences.

    Parameters
    ----------
    network : SentenceNetwork
    inputs : Inputs
    y_true : ndarray of shape (n_texts, n_domains)
    plan : sequence of list of int
        Batches of input numbers; the first ones are read.
    n_sentences : int
        How many to read, at least.
    pad : int
    bf16 : bool
        Whether to run the encoder in bfloat16.
    """
    counts = np.cumsum([len(batch) for batch in plan])
    batches = plan[: int(np.searchsorted(counts, n_sentences)) + 1]
    embeddings = _embed(network.eval(), [[inputs.ids[i] for i in batch] for batch in batches], pad=pad, bf16=bf16)
    rows = inputs.rows[[i for batch in batches for i in batch]]
    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-6
    weights, biases = _logistic_regressions((embeddings - mean) / scale, y_true[rows])
    head = network.head
    for tensor, values in (
        (head.mean, mean), (head.scale, scale), (head.value.weight, weights), (head.value.bias, biases)
    ):  # fmt: skip
        tensor.data.copy_(torch.from_numpy(values))


@torch.no_grad()
def _embed(network: SentenceNetwork, batches: Sequence[Sequence[list[int]]], *, pad: int, bf16: bool) -> np.ndarray:
    device = network.head.mean.device
    embeddings = []
    for batch in batches:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            embedded = network.embed(*(part.to(device) for part in collate(batch, pad)))
        embeddings.append(embedded.float().cpu().numpy())
    return np.concatenate(embeddings)


def _logistic_regressions(embeddings: np.ndarray, y_true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights, shape (n_domains, n_features), and biases, float32."""
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((y_true.shape[1], embeddings.shape[1]), dtype=np.float32)
    biases = np.zeros(len(weights), dtype=np.float32)
    for column, target in enumerate(y_true.T):
        # A domain that none or all of these sentences have starts from its share.
        share = np.clip(target.mean(), 1e-3, 1 - 1e-3)
        biases[column] = np.log(share / (1 - share))
        if target.min() != target.max():
            fitted = LogisticRegression(C=_C, max_iter=200).fit(embeddings, target)
            weights[column], biases[column] = fitted.coef_[0], fitted.intercept_[0]
    return weights, biases
