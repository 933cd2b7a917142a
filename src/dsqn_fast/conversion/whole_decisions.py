"""Decisions that run all their steps, for everything that divides spike counts by T."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsqn_fast.conversion.scaling import with_populations
from dsqn_fast.model.spiking import SpikingModel


def with_whole_decisions(model: SpikingModel) -> SpikingModel:
    """The model with no decision ending before T; hidden neurons spike as they would until then.

    First-spike decoding becomes potential decoding, whose outputs start at 0, so that they
    estimate Q without an offset. A model whose decisions never end early stays as it is.
    """
    if model.decoding != "first-spike":
        return model if model.early_exit is None else model.replace(early_exit=None)
    output = model.populations[-1]
    start = np.zeros((), output.initial_potential.dtype)
    silent = replace(output, initial_potential=start)
    whole = model.replace(decoding="potential", early_exit=None)
    return with_populations(whole, [*model.populations[:-1], silent])
