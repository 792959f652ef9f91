"""Losses against their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from tagger.training.losses import agreement_loss, distillation_loss, hidden_loss, multilabel_loss


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(20, 3, generator=torch.Generator().manual_seed(0)) * 3


@pytest.fixture
def targets() -> torch.Tensor:
    return (torch.rand(20, 3, generator=torch.Generator().manual_seed(1)) < 0.3).float()


def test_bce_is_that_of_torch(logits: torch.Tensor, targets: torch.Tensor) -> None:
    expected = functional.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(multilabel_loss(logits, targets, name="bce", gamma=2.0), expected)
    soft = targets * 0.8 + 0.1
    expected = functional.binary_cross_entropy_with_logits(logits, soft)
    torch.testing.assert_close(multilabel_loss(logits, soft, name="bce"), expected)


@pytest.mark.parametrize("name", ["bce", "focal"])
def test_present_domains_weigh_as_said(logits: torch.Tensor, targets: torch.Tensor, name: str) -> None:
    present = functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor(3.0))
    torch.testing.assert_close(multilabel_loss(logits, targets, name=name, gamma=0.0, positive_weight=3.0), present)


def test_focal_without_a_focus_is_bce(logits: torch.Tensor, targets: torch.Tensor) -> None:
    bce = multilabel_loss(logits, targets, name="bce")
    torch.testing.assert_close(multilabel_loss(logits, targets, name="focal", gamma=0.0), bce)
    assert multilabel_loss(logits, targets, name="focal", gamma=2.0) < bce


def test_focal_worked_out_by_hand() -> None:
    # p = 3/4: a present domain costs (1/4)^2 * ln 4/3, an absent one (3/4)^2 * ln 4.
    logits = torch.tensor([[math.log(3), math.log(3)]])
    loss = multilabel_loss(logits, torch.tensor([[1.0, 0.0]]), name="focal", gamma=2.0)
    assert loss.item() == pytest.approx((math.log(4 / 3) / 16 + math.log(4) * 9 / 16) / 2)


def test_asymmetric_worked_out_by_hand() -> None:
    # A present domain costs ln 4/3 unfocused; absent ones q^3 * -ln(1 - q) of q = p - 0.05, or nothing.
    logits = torch.tensor([[math.log(3), math.log(3), math.log(0.04 / 0.96)]])
    loss = multilabel_loss(logits, torch.tensor([[1.0, 0.0, 0.0]]), name="asymmetric", gamma=3.0)
    assert loss.item() == pytest.approx((math.log(4 / 3) - 0.7**3 * math.log(0.3)) / 3)


def test_asymmetric_bounds_what_a_wrong_label_costs() -> None:
    surely = torch.tensor([[80.0]])
    loss = multilabel_loss(surely, torch.zeros(1, 1), name="asymmetric", gamma=2.0)
    assert loss.item() == pytest.approx(-(0.95**2) * math.log(0.05), rel=1e-5)


def test_a_student_that_says_what_its_teacher_says_learns_nothing(logits: torch.Tensor) -> None:
    student = logits.clone().requires_grad_()
    distillation_loss(student, logits, temperature=2.0).backward()
    assert student.grad is not None
    assert student.grad.abs().max() < 1e-7


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_student_moves_to_its_teacher_at_any_temperature_alike(logits: torch.Tensor, temperature: float) -> None:
    student = (logits + 0.01).requires_grad_()
    distillation_loss(student, logits, temperature=temperature).backward()
    assert student.grad is not None
    # The gradient, T * (sigmoid(z / T) - sigmoid(t / T)) / n, points from the teacher.
    soft = torch.sigmoid(student.detach() / temperature) - torch.sigmoid(logits / temperature)
    torch.testing.assert_close(student.grad, temperature * soft / logits.numel())
    assert (student.grad > 0).all()


def test_equal_passes_agree_and_others_do_not(logits: torch.Tensor) -> None:
    assert agreement_loss(logits, logits).item() == 0.0
    other = logits.flip(0)
    assert agreement_loss(logits, other) > 0
    torch.testing.assert_close(agreement_loss(logits, other), agreement_loss(other, logits))


def test_agreement_is_the_mean_divergence_of_both_ways(logits: torch.Tensor) -> None:
    one, other = (torch.distributions.Bernoulli(logits=x) for x in (logits, logits.flip(1)))
    kl = torch.distributions.kl_divergence
    expected = (kl(one, other) + kl(other, one)).mean() / 2
    torch.testing.assert_close(agreement_loss(logits, logits.flip(1)), expected, atol=1e-5, rtol=1e-4)


def test_hidden_states_are_measured_in_spreads_and_without_filling() -> None:
    hidden, teacher = torch.zeros(1, 2, 2), torch.tensor([[[1.0, 10.0], [99.0, 99.0]]])
    distance = hidden_loss(hidden, teacher, torch.tensor([[1, 0]]), torch.tensor([1.0, 10.0]))
    assert distance == pytest.approx(1.0)
