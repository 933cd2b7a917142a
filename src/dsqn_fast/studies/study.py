"""What a study is: a grid of settings, policies, and how its results are to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Setting = str | int | float | bool
"""Value of a factor."""
Settings = Mapping[str, Setting]

POLICY = "policy"
VARIANT = "variant"
AXES = (POLICY, VARIANT)
"""What rows can be told apart by, beside the factors of the grid."""


NAMES: Final[Mapping[str, str]] = {
    "n_steps": "T",
    "early_exit": "kappa",
    "initial_potential": "start potential",
    "weight_bits": "weight bits",
    "rounded_weights": "bits of rounded weights",
    "calibrate_bias": "bias calibrated",
    "two_output_neurons": "two output neurons",
    "burst_limit": "burst limit",
}
"""Factors whose headings are not their names."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training that makes a policy: what `dsqn_fast.training.train_policy` is told.

    Attributes:
        method: Such as ``dqn`` or ``dsqn``.
        seeds: Trainings, with seeds 0, 1, ...
        preset: Named hyperparameters.
        changes: Hyperparameters that differ from the preset.
    """

    method: str
    seeds: int = 5
    preset: str = "default"
    changes: Settings = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PolicySource:
    """A policy that a study looks at.

    Attributes:
        name: How tables and figures call it.
        file: File of the source network or of a spiking policy, relative to one of the folders
            that are searched. With * it stands for all files that match, of runs that differ by
            their training seed: a group of this name.
        train: Instead of a file, trainings that differ by their seed: a group of this name.
        env_id: Environment; None for the one that the file names.
        observations: File of calibration observations; None lets the source network play.
        max_episode_steps: Another step limit than the environment's own.
        preprocessing: Name of the observation preprocessing; None for what the file names.
        as_it_is: Play the spiking policy of the file; convert nothing.
        trained_spiking: The weights were trained as a spiking network's: there is no source
            network to compare with.
        group: Policies of one group differ by their training seed only: their results are put
            together over seeds.
        fixed: Settings of this policy, which win over the study's own.
        required: Refuse to run without the file, instead of leaving the policy out.
    """

    name: str
    file: str = ""
    train: Training | None = None
    env_id: str | None = None
    observations: str | None = None
    max_episode_steps: int | None = None
    preprocessing: str | None = None
    as_it_is: bool = False
    trained_spiking: bool = False
    group: str | None = None
    fixed: Settings = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Settings that go together under one name."""

    name: str
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class Published:
    """A number that a publication reports for a row.

    Attributes:
        where: Policy, variant and factors of the row.
        values: Metric -> value, in the metric's own unit; shares between 0 and 1.
        std: Standard deviation over episodes of the return.
        source: Where it stands, such as ``"table 4.4"``.
        role: ``spiking``, or ``source`` for the network that was converted.
    """

    where: Settings
    values: Mapping[str, float]
    std: float | None = None
    source: str = ""
    role: str = "spiking"


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """What a figure shows.

    Attributes:
        x: Factor or axis along the bottom; a metric makes it a scatter of two metrics.
        y: Metrics, one panel each.
        series: Factor or axis that lines are told apart by; None for one line.
        log: Logarithmic x.
    """

    x: str
    y: tuple[str, ...]
    series: str | None = None
    log: bool = False


@dataclass(frozen=True, kw_only=True)
class WinnerSpec:
    """Where a winner is declared: the best level of a factor by a metric of episodes."""

    among: str
    metric: str = "return"


@dataclass(frozen=True, kw_only=True)
class Study:
    """An experiment.

    Attributes:
        name: What it is called on the command line.
        title: What it is called in reports.
        question: What it asks, in one sentence.
        thesis: Tables of Hahn (2020) that it answers.
        notes: What a reader must know, in sentences.
        policies: What is looked at.
        fixed: Settings of all cells.
        grid: Factor -> values; every combination is a cell.
        variants: Settings that go together; every variant is combined with the grid.
        variant_title: What variants are, as a heading.
        reference: Play the source networks as well.
        episodes: Episodes per cell where nothing else is asked for.
        metrics: Columns of the table.
        figure: Its figure; None for none.
        winner: Where a winner is declared; None for nowhere.
        published: Numbers of the thesis.
        text: The study file, word for word.
    """

    name: str
    title: str
    question: str
    policies: tuple[PolicySource, ...]
    thesis: tuple[str, ...] = ()
    notes: str = ""
    fixed: Settings = field(default_factory=dict)
    grid: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    variant_title: str = VARIANT
    reference: bool = True
    episodes: int = 100
    metrics: tuple[str, ...] = ("return", "agreement")
    figure: FigureSpec | None = None
    winner: WinnerSpec | None = None
    published: tuple[Published, ...] = ()
    text: str = ""

    def title_of(self, axis: str) -> str:
        """A factor, the policy or the variant as a heading."""
        return self.variant_title if axis == VARIANT else NAMES.get(axis, axis.replace("_", " "))
