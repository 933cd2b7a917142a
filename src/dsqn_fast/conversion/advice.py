"""What would help a conversion, in a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dsqn_fast.conversion.agreement import Agreement
from dsqn_fast.conversion.layer_diagnosis import LayerDiagnosis
from dsqn_fast.conversion.q_gap import QGap
from dsqn_fast.model.options import may_burst
from dsqn_fast.model.spiking import SpikingModel

MUCH_CLIPPED = 0.01


def advise(
    model: SpikingModel,
    n_steps: int,
    here: Agreement,
    wanted: float,
    gap: QGap,
    layers: Sequence[LayerDiagnosis],
    *,
    whole: float,
    fine_tuned: float | None = None,
) -> str:
    """What to do next; nothing that the model already has.

    Args:
        model: The converted model.
        n_steps: T.
        here: Its agreement with the source.
        wanted: The agreement that is aimed at.
        gap: Gap between best and second output.
        layers: Diagnosis of every population.
        whole: Agreement of decisions that run all their steps; equal where none ends early.
        fine_tuned: Agreement of the fine-tuned or taught network that was converted, with the
            source; None where the source itself was.
    """
    found = f"agreement is {here.agreement:.2%} at T = {n_steps}, {wanted:.2%} is wanted"
    bursts = model.neuron.spikes == "burst"
    if here.agreement >= wanted:
        kind = "This" if bursts or fine_tuned is not None else "Direct"
        return f"{kind} conversion is enough: {found}."
    if whole >= wanted:
        return (
            f"Let decisions end later, by an early exit that keeps more agreement: {found}, and "
            f"all {n_steps} steps give {whole:.2%}."
        )
    if fine_tuned is not None and fine_tuned < wanted:
        return (
            f"Fine-tune for longer, or without it at a larger T: the fine-tuned network itself "
            f"agrees with the source on {fine_tuned:.2%} only; {found}."
        )
    larger = f"take a larger T, of about {steps_needed(n_steps, whole, wanted)}"
    step = rate_step(model, n_steps)
    if gap.median < step:
        name = "1/T" if not bursts else f"1/T/{model.neuron.burst_limit}"
        better = _better_conversions(model, fine_tuned)
        remedies = [*better, *_other_networks(fine_tuned), larger]
        return (
            f"The gap between best and second output is {gap.median:.2%} of the best in the median "
            f"state, too small for the steps of {name} = {step:.2%} in which rates are resolved: "
            f"{found}; {', or '.join(remedies)}."
        )
    if fine_tuned is None and not _is_channel_half(model):
        return f"Use normalization 'channel' with start potential 'half': {found}."
    clipped = max(layers, key=lambda layer: layer.clipped)
    if clipped.clipped > MUCH_CLIPPED:
        return (
            f"Raise the percentile: {clipped.clipped:.2%} of the activations of {clipped.name} "
            f"are clipped; {found}."
        )
    worst = max(layers, key=lambda layer: layer.agreement_lost)
    qcfs = [] if fine_tuned is not None else ["fine-tune by QCFS"]
    remedies = [larger, *_better_conversions(model, fine_tuned), *qcfs]
    words = ", or ".join(remedies)
    return f"{words[0].upper()}{words[1:]}: {found}, and {worst.name} loses most."


def rate_step(model: SpikingModel, n_steps: int) -> float:
    """Step in which rates are resolved, as a share of the largest rate: 1 / most spikes."""
    most = model.neuron.burst_limit if model.neuron.spikes == "burst" else 1
    return 1 / (n_steps * most)


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


def _better_conversions(model: SpikingModel, fine_tuned: float | None) -> list[str]:
    # A network is fine-tuned where auto has tried the normalisations already.
    if fine_tuned is None and not _is_channel_half(model):
        return ["use normalization 'channel' with start potential 'half'"]
    if model.neuron.spikes == "binary" and may_burst(model.timing, model.neuron.reset):
        return ["use burst spikes"]
    return []


def _other_networks(fine_tuned: float | None) -> list[str]:
    if fine_tuned is not None:
        return []
    return [
        "distill the policy to a classifier, whose outputs are further apart",
        "fine-tune it by QCFS",
    ]
