"""Options that `convert` and `diagnose` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EnvOption = Annotated[
    str | None, typer.Option("--env", metavar="ID", help="Environment, where not known.")
]
NormalizationOption = Annotated[
    str,
    typer.Option(
        help="none, model, data, robust, thesis-model, thesis-robust, channel, search, "
        "spike-norm, local-threshold or auto."
    ),
]
PercentileOption = Annotated[
    float, typer.Option(help="Quantile of the activations that is a scale; 1 is the maximum.")
]
PotentialOption = Annotated[
    str,
    typer.Option(help="Start potential: zero, half or calibrated, beside a named normalization."),
]
ResetOption = Annotated[str, typer.Option(help="subtraction or zero.")]
TimingOption = Annotated[str, typer.Option(help="instant, nest or spytorch.")]
EncodingOption = Annotated[str, typer.Option(help="constant, poisson or equidistant.")]
DecodingOption = Annotated[
    str, typer.Option(help="potential, count, count+potential or first-spike.")
]
SpikesOption = Annotated[
    str, typer.Option(help="binary, burst or signed, beside a named normalization.")
]
BurstOption = Annotated[int, typer.Option(help="Most spikes of a neuron in one step.")]
StepsOption = Annotated[
    int | None,
    typer.Option("--n-steps", "-T", help="Time steps; else 100, or what auto finds."),
]
ObservationsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Calibration observations: .npy, or .npz 'observations'."),
]
EpisodesOption = Annotated[
    int | None,
    typer.Option("--calibrate-episodes", help="Most episodes to gather observations in."),
]
AgreementOption = Annotated[
    float, typer.Option(help="Wanted share of decisions that equal the source's.")
]
MaxStepsOption = Annotated[int, typer.Option(help="Most time steps that auto may choose.")]
SeedOption = Annotated[int, typer.Option(help="Seed of everything random.")]
PlotOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw the diagnosis: .png, .pdf or .svg.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE",
        help="Store weights as float16 (half the file, rounded after the figures shown), as int8 "
        "(an eighth; the source is rounded first, then converted) or float32; default as they are.",
    ),
]
BiasOption = Annotated[
    bool, typer.Option("--calibrate-bias", help="Correct biases by their mean error.")
]
