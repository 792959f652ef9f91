"""Losses of a multi-label head over logits; imports torch."""

from __future__ import annotations

import torch
from torch.nn import functional

#: What the asymmetric loss takes off the probability of an absent domain.
_SHIFT = 0.05


def multilabel_loss(logits: torch.Tensor, targets: torch.Tensor, *, name: str, gamma: float = 2.0,
                    positive_weight: float = 1.0) -> torch.Tensor:  # fmt: skip
    """The mean loss of one batch, a scalar.

    Parameters
    ----------
    logits, targets : float tensors of shape (n_texts, n_domains)
        Targets in [0, 1]; soft ones are allowed for ``bce``.
    name : one of LOSSES
        Binary cross-entropy; the focal loss of Lin et al. (2017), which turns to the texts
        that are still wrong; the asymmetric loss of Ridnik et al. (2021), which does so for
        the absent domains alone, leaves out the surest of them and bounds what a wrong label
        can cost.
    gamma : float, default=2.0
        How strongly the focal and the asymmetric loss turn away from what is sure.
    positive_weight : float, default=1.0
        Weight of present domains.
    """
    weights = 1 + (positive_weight - 1) * targets
    return (weights * LOSSES[name](logits, targets, gamma)).mean()


def _bce(logits: torch.Tensor, targets: torch.Tensor, _: float = 0.0) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _focal(logits: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    proba = torch.sigmoid(logits)
    return (proba * (1 - targets) + (1 - proba) * targets) ** gamma * _bce(logits, targets)


def _asymmetric(logits: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    shifted = (torch.sigmoid(logits) - _SHIFT).clamp(min=0)
    absent = shifted**gamma * -torch.log1p(-shifted)
    return targets * _bce(logits, targets) + (1 - targets) * absent


#: Name -> loss of each text and domain, of (logits, targets, gamma).
LOSSES = {"bce": _bce, "focal": _focal, "asymmetric": _asymmetric}


def distillation_loss(logits: torch.Tensor, teacher: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """Cross-entropy with a teacher's probabilities, both softened; a scalar.

    Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network", one
    domain at a time.
    """
    soft = torch.sigmoid(teacher / temperature)
    loss = functional.binary_cross_entropy_with_logits(logits / temperature, soft)
    return loss * temperature**2


def hidden_loss(
    hidden: torch.Tensor, teacher: torch.Tensor, attention_mask: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """Mean squared distance of hidden states from a teacher's, over the pieces of a batch; a scalar.

    Jiao et al. (2020), "TinyBERT: Distilling BERT for natural language understanding", of the
    last layer alone.

    Parameters
    ----------
    hidden, teacher : float tensors of shape (n_texts, n_pieces, hidden_size)
    attention_mask : tensor of shape (n_texts, n_pieces)
        0 where a text is filled up.
    scale : tensor of shape (hidden_size,)
        Spread of each channel, so that all count alike.
    """
    distance = ((hidden.float() - teacher.float()) / scale).square().mean(dim=2)
    return (distance * attention_mask).sum() / attention_mask.sum()


def agreement_loss(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """How far two passes with different dropout are apart: their symmetric Kullback-Leibler divergence.

    Liang et al. (2021), "R-Drop: Regularized dropout for neural networks".
    """
    difference = torch.sigmoid(first) - torch.sigmoid(second)
    return (difference * (first - second)).mean() / 2
