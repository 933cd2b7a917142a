"""Surrogate derivatives: what backpropagation takes for the derivative of a spike.

A spike is s = H(u), u = potential - threshold; its derivative is 0 or undefined. In its place,
with the scale k::

    superspike  1 / (k * abs(u) + 1)**2              Zenke and Ganguli 2018; fast sigmoid; k = 100
    arctan      (k / 2) / (1 + (pi / 2 * k * u)**2)  Fang 2021; k = 2
    triangular  k * max(0, 1 - k * abs(u))           Esser 2016, Bellec 2018; k = 1
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dsqn_fast.errors import OptionError
from dsqn_fast.model.checks import check_real
from dsqn_fast.model.options import check_choice

if TYPE_CHECKING:
    import torch

SURROGATES: Final = ("superspike", "arctan", "triangular")
_SCALES: Final = {"superspike": 100.0, "arctan": 2.0, "triangular": 1.0}


@dataclass(frozen=True)
class Surrogate:
    """One of the derivatives above.

    Attributes:
        name: One of ``SURROGATES``.
        scale: k, above 0; larger is narrower. None for the usual one.
    """

    name: str = "superspike"
    scale: float | None = None

    def __post_init__(self) -> None:
        check_choice("surrogate", self.name, SURROGATES)
        if self.scale is None:
            object.__setattr__(self, "scale", _SCALES[self.name])
        if not check_real("surrogate_scale", self.scale) > 0:
            raise OptionError(f"surrogate_scale must be above 0, not {self.scale!r}")

    def __call__(self, potentials: torch.Tensor, threshold: float) -> torch.Tensor:
        """The derivative of spikes at ``potentials`` of any shape."""
        k = float(self.scale or 0.0)
        distance = potentials - threshold
        if self.name == "superspike":
            return distance.abs_().mul_(k).add_(1.0).square_().reciprocal_()
        if self.name == "arctan":
            return distance.mul_(math.pi / 2 * k).square_().add_(1.0).reciprocal_().mul_(k / 2)
        return distance.abs_().mul_(-k).add_(1.0).clamp_(min=0.0).mul_(k)
