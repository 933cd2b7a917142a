"""The dynamics of a population over all time steps as one differentiable operation.

Forward, for t = 1 ... S (S = T, with ``spytorch`` T - 1), with the drive I[t] and the bias b in
the order of additions of `dsqn_fast.reference`::

    v[t] = (beta * u[t-1] + b) + I[t]      nest with subtraction: (b + I[t]) + beta * u[t-1]
    s[t] = v[t] >= theta                   spytorch: v[t] > theta
    u[t] = v[t] - theta * s[t]             reset to zero: 0 where s[t]

``spytorch`` resets one step late: v[t] = ((beta * v[t-1] - s[t-1]) + b) + I[t], or with reset to
zero v[t] = 0 where s[t-1].

Backward, with the surrogate derivative h[t] = h(v[t] - theta) and a reset that passes no gradient
(Zenke and Vogels 2021)::

    G[t] = h[t] * dL/ds[t] + D[t] * G[t+1]     D[t] = dv[t+1] / dv[t]
    dL/dI[t] = G[t],  dL/db = sum_t G[t]

D[t] = beta with subtraction, beta * (1 - s[t]) with zero. With ``spytorch`` and zero the drive of
a step that is set to 0 gets no gradient either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.model.checks import check_real
from dsqn_fast.model.options import TIMINGS, Neuron, Timing, check_choice
from dsqn_fast.training.surrogate import Surrogate


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """What the neurons of a trained network have in common.

    Attributes:
        neuron: Integrate-and-fire (beta = 1) or leaky; delta synapses and binary spikes only.
        timing: ``instant``, ``nest`` or ``spytorch``.
        threshold: theta, above 0.
        initial_potential: u[0].
        surrogate: Derivative of a spike.
    """

    neuron: Neuron
    timing: Timing
    threshold: float
    initial_potential: float
    surrogate: Surrogate

    def __post_init__(self) -> None:
        check_choice("timing", self.timing, TIMINGS)
        if not check_real("threshold", self.threshold) > 0:
            raise OptionError(f"threshold must be above 0, not {self.threshold!r}")
        check_real("initial_potential", self.initial_potential)
        if self.neuron.alpha != 0.0 or self.neuron.spikes != "binary":
            raise UnsupportedError(
                f"spiking networks are trained with alpha 0 and binary spikes, not alpha "
                f"{self.neuron.alpha} and {self.neuron.spikes} spikes: choose another neuron"
            )

    @property
    def late(self) -> bool:
        """Whether the reset acts one step late."""
        return self.timing == "spytorch"

    @property
    def subtracts(self) -> bool:
        """Whether the reset is by subtraction."""
        return self.neuron.reset == "subtraction"

    def integrate(
        self,
        kept: torch.Tensor,
        drive: torch.Tensor,
        bias: torch.Tensor | None,
        out: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """v[t] from beta * u[t-1] and the drive, in the order of the reference."""
        if bias is None:
            return torch.add(kept, drive, out=out)
        if self.timing == "nest" and self.subtracts:
            return torch.add(bias + drive, kept, out=out)
        return torch.add(kept + bias, drive, out=out)

    def decay(self, u: torch.Tensor) -> torch.Tensor:
        """Beta * u."""
        return u if self.neuron.beta == 1.0 else u * self.neuron.beta


class _Spikes(torch.autograd.Function):
    """Spikes and potentials (S, B, n) of a population from its drive (S, B, n)."""

    @staticmethod
    def forward(
        ctx: Any, drive: torch.Tensor, bias: torch.Tensor | None, dynamics: Dynamics
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # An expanded drive is not contiguous: empty_like would take that over.
        potentials, spikes = drive.new_empty(drive.shape), drive.new_empty(drive.shape)
        theta, late, subtracts = dynamics.threshold, dynamics.late, dynamics.subtracts
        fires = torch.gt if late else torch.ge
        u = drive.new_full(drive.shape[1:], dynamics.initial_potential)
        fired: torch.Tensor | None = None
        rows = zip(drive.unbind(), potentials.unbind(), spikes.unbind(), strict=True)
        for current, v, spike in rows:
            kept = dynamics.decay(u)
            if late and subtracts and fired is not None:
                kept = kept - fired
            dynamics.integrate(kept, current, bias, out=v)
            if late and not subtracts and fired is not None:
                v.masked_fill_(fired != 0, 0.0)
            fires(v, theta, out=spike)
            if late:
                u, fired = v, spike
            elif subtracts:
                u = torch.sub(v, spike, alpha=theta)
            else:
                u = v.masked_fill(spike != 0, 0.0)
        ctx.dynamics, ctx.has_bias = dynamics, bias is not None
        ctx.save_for_backward(potentials, spikes)
        ctx.mark_non_differentiable(potentials)
        return spikes, potentials

    @staticmethod
    def backward(
        ctx: Any, grad_spikes: torch.Tensor, _: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        potentials, spikes = ctx.saved_tensors
        dynamics: Dynamics = ctx.dynamics
        beta = dynamics.neuron.beta
        grad = dynamics.surrogate(potentials, dynamics.threshold).mul_(grad_spikes)
        rows = grad.unbind()
        if dynamics.subtracts:
            for t in range(len(rows) - 2, -1, -1):
                rows[t].add_(rows[t + 1], alpha=beta)
        else:
            carries = (1.0 - spikes).mul_(beta).unbind()
            for t in range(len(rows) - 2, -1, -1):
                rows[t].addcmul_(carries[t], rows[t + 1])
            if dynamics.late:
                grad[1:] *= 1.0 - spikes[:-1]
        return grad, grad.sum(dim=(0, 1)) if ctx.has_bias else None, None


def spike_train(
    drive: torch.Tensor, bias: torch.Tensor | None, dynamics: Dynamics
) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes of a population, differentiable, and its potentials before each reset.

    Args:
        drive: (S, B, n) synaptic input per step.
        bias: (n,) bias current; None where it is part of the drive.
        dynamics: Of the neurons.

    Returns:
        Spikes (S, B, n), 0 or 1 in the drive's dtype, and potentials v (S, B, n).
    """
    spikes, potentials = _Spikes.apply(drive, bias, dynamics)  # type: ignore[no-untyped-call]
    return spikes, potentials


def final_potential(drive: torch.Tensor, bias: torch.Tensor, dynamics: Dynamics) -> torch.Tensor:
    """Potential (B, n) after the last step of a population that never spikes, step by step."""
    v = drive.new_zeros(drive.shape[1:])
    for current in drive.unbind():
        v = dynamics.integrate(dynamics.decay(v), current, bias)
    return v
