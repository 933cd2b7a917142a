"""What would help a conversion, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dsqn_fast.conversion.agreement import Agreement
from dsqn_fast.conversion.layer_diagnosis import LayerDiagnosis
from dsqn_fast.conversion.q_gap import QGap
from dsqn_fast.model.spiking import SpikingModel

MUCH_CLIPPED = 0.01


def advise(
    model: SpikingModel,
    n_steps: int,
    here: Agreement,
    wanted: float,
    gap: QGap,
    layers: Sequence[LayerDiagnosis],
) -> str:
    """What to do next.

    Args:
        model: The converted model.
        n_steps: T.
        here: Its agreement with the source.
        wanted: The agreement that is aimed at.
        gap: Gap between best and second Q.
        layers: Diagnosis of every population.
    """
    found = f"agreement is {here.agreement:.2%} at T = {n_steps}"
    if here.agreement >= wanted:
        return f"Direct conversion is enough: {found}, {wanted:.2%} is wanted."
    if gap.median < 1 / n_steps:
        head = (
            f"The gap between best and second Q is {gap.median:.2%} of |Q| in the median state, "
            f"too small for the steps of 1/T = {1 / n_steps:.2%} in which rates are resolved: "
            f"{found}, {wanted:.2%} is wanted"
        )
        return (
            f"{head}; {_better_conversion(model)}distill the policy to a classifier, whose "
            f"outputs are further apart, fine-tune it by QCFS, or expect to need T of about "
            f"{steps_needed(n_steps, here.agreement, wanted)}."
        )
    if not _is_channel_half(model):
        return (
            f"Use normalization 'channel' with start potential 'half': {found}, "
            f"{wanted:.2%} is wanted."
        )
    worst = max(layers, key=lambda layer: layer.agreement_lost)
    if max(layer.clipped for layer in layers) > MUCH_CLIPPED:
        clipped = max(layers, key=lambda layer: layer.clipped)
        return (
            f"Raise the percentile: {clipped.clipped:.2%} of the activations of {clipped.name} "
            f"are clipped; {found}, {wanted:.2%} is wanted."
        )
    return (
        f"Take a larger T, of about {steps_needed(n_steps, here.agreement, wanted)}, or burst "
        f"spikes, or fine-tune by QCFS: {found}, {wanted:.2%} is wanted, and {worst.name} loses "
        "most."
    )


def steps_needed(n_steps: int, agreement: float, wanted: float) -> str:
    """Estimate of the T that a wanted agreement needs, rounded up to two digits.

    Rates have an error of about 1/T, and the share of states whose gap is below the error
    falls with it, so that disagreement falls about as 1/T. It is an extrapolation.
    """
    if wanted >= 1:
        return "far more than any that was tried"
    needed = n_steps * (1 - agreement) / (1 - wanted)
    digit = 10.0 ** max(math.floor(math.log10(needed)) - 1, 0)
    return f"{int(math.ceil(needed / digit) * digit)}"


def _is_channel_half(model: SpikingModel) -> bool:
    hidden = model.populations[:-1]
    return all(
        (layer.scale.ndim == 1 or len(layer.connection.bias) == 1)
        and bool(np.any(layer.initial_potential != 0))
        for layer in hidden
    )


def _better_conversion(model: SpikingModel) -> str:
    if not _is_channel_half(model):
        return "use normalization 'channel' with start potential 'half', "
    if model.neuron.spikes == "binary" and model.timing != "spytorch":
        return "use burst spikes, "
    return ""
