"""Synaptic currents with the order of additions that defines the bits of a simulation.

A matrix product adds in the order that its library likes. Here the rows of the weights are added
one after the other, ascending, as `dsqn_fast.connectivity` does; the gradient is the same.
"""

from __future__ import annotations

from typing import Any

import torch


class _OrderedProduct(torch.autograd.Function):
    """start + values @ weight, row by row."""

    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, weight: torch.Tensor, start: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(values, weight)
        total = start.expand(*values.shape[:-1], weight.shape[1]).clone()
        for value, row in zip(values.unbind(-1), weight, strict=True):
            # Rounded, then added: torch.addcmul may fuse the two.
            total += value.unsqueeze(-1) * row
        return total

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        values, weight = ctx.saved_tensors
        flat = grad.flatten(0, -2)
        return grad @ weight.T, values.flatten(0, -2).T @ flat, flat.sum(dim=0)


def ordered_product(
    values: torch.Tensor, weight: torch.Tensor, start: torch.Tensor | None = None
) -> torch.Tensor:
    """``start`` plus the sum over i, ascending, of values_i * weight_i.

    Args:
        values: (..., n_in) observations, or spikes 0 and 1.
        weight: (n_in, n_out).
        start: (n_out,) what is added to, the bias of a constant current; None for 0.

    Returns:
        (..., n_out).
    """
    first = weight.new_zeros(weight.shape[1]) if start is None else start
    total: torch.Tensor = _OrderedProduct.apply(values, weight, first)  # type: ignore[no-untyped-call]
    return total
