"""`convert`: a source network and observations in, a spiking policy out."""

from __future__ import annotations

from collections.abc import Sequence

from dsqn_fast.conversion.auto import Route
from dsqn_fast.conversion.detail import Observations, Say, Settings, convert_in_detail
from dsqn_fast.conversion.option_groups import AutoOptions, CalibrationOptions, SearchOptions
from dsqn_fast.conversion.options import Dynamics, InitialPotential, Normalization, Recipe
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.options import Decoding, Encoding, Reset, SpikeMode, Timing
from dsqn_fast.model.spiking import SpikingModel


def convert(
    ann: AnnModel,
    observations: Observations | None = None,
    *,
    normalization: Normalization = "auto",
    percentile: float = 0.999,
    reset: Reset = "subtraction",
    initial_potential: InitialPotential = "half",
    encoding: Encoding = "constant",
    decoding: Decoding = "potential",
    timing: Timing = "instant",
    env_id: str | None = None,
    n_steps: int | None = None,
    seed: int = 0,
    calibrate_bias: bool = False,
    spikes: SpikeMode = "binary",
    burst_limit: int = 5,
    two_output_neurons: bool = False,
    calibration: CalibrationOptions | None = None,
    auto: AutoOptions | None = None,
    search: SearchOptions | None = None,
    routes: Sequence[Route] = (),
    progress: Say | None = None,
) -> SpikingModel:
    """Convert a source network into a spiking policy.

    Args:
        ann: The source network.
        observations: (B, *shape) for calibration, or a ``.npy``/``.npz`` file of them. None
            lets the source network play ``env_id`` (or its own environment) to gather them.
        normalization: Rule for the scales, see `dsqn_fast.conversion.normalisation`; ``auto``
            chooses it, the start potential and T, see `dsqn_fast.conversion.auto`.
        percentile: Quantile of the rules that have one; 1 is the maximum.
        reset: ``subtraction`` or ``zero``.
        initial_potential: ``zero``, ``half`` (of the threshold) or ``calibrated``; ``auto``
            tries them all.
        encoding: ``constant``, ``poisson`` or ``equidistant``.
        decoding: ``potential``, ``count``, ``count+potential`` or ``first-spike``.
        timing: ``instant``, ``nest`` or ``spytorch``.
        env_id: Environment that the policy plays; None for the source network's.
        n_steps: Time steps T; None for 100, or for what ``auto`` finds.
        seed: Seed of everything random.
        calibrate_bias: Correct biases by the mean error on calibration observations.
        spikes: ``binary``, ``burst`` or ``signed``; ``auto`` chooses.
        burst_limit: Most spikes of one step in burst mode.
        two_output_neurons: With ``count``: read negative outputs by a second neuron each.
        calibration: Which observations are looked at.
        auto: What ``auto`` aims at and how far it goes.
        search: How long ``search`` searches.
        routes: Fine-tuning routes that ``auto`` may take.
        progress: Told what is done next, in words.

    Returns:
        The spiking policy, with its source network and provenance.

    Raises:
        OptionError: An option is not one of its values, or observations are needed and there
            is no environment to gather them in.
        ObservationError: Observations do not fit or are not finite.
        ModelError: Options do not go together.
        UnknownEnvironmentError: There is no such environment.
        EnvironmentMismatchError: The environment does not fit the network.
        MissingExtraError: The environment or the search needs a package that is missing.
    """
    recipe = Recipe(
        normalization=normalization,
        percentile=percentile,
        initial_potential=initial_potential,
        calibrate_bias=calibrate_bias,
        spikes=spikes,
        burst_limit=burst_limit,
    )
    dynamics = Dynamics(
        reset=reset,
        encoding=encoding,
        decoding=decoding,
        timing=timing,
        two_output_neurons=two_output_neurons,
    )
    settings = Settings(
        dynamics=dynamics,
        env_id=env_id,
        n_steps=n_steps,
        seed=seed,
        calibration=calibration or CalibrationOptions(),
        auto=auto or AutoOptions(),
        search=search or SearchOptions(),
    )
    return convert_in_detail(
        ann, observations, recipe=recipe, settings=settings, routes=routes, progress=progress
    ).model
