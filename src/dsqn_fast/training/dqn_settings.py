"""Hyperparameters of deep Q-learning, with plain and with spiking Q networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import RESETS, TIMINGS, Reset, Timing, check_choice, check_n_steps
from dsqn_fast.training.settings import TrainingSettings
from dsqn_fast.training.surrogate import SURROGATES

LOSSES: Final = ("squared", "huber")
CLIPPINGS: Final = ("norm", "value")


@dataclass(frozen=True, kw_only=True)
class DqnSettings(TrainingSettings):
    """How a Q network is trained.

    Attributes:
        buffer_size: Transitions that the replay memory holds.
        batch_size: Transitions of one gradient step.
        learning_starts: Random steps before the first gradient step.
        train_every: Steps between two visits to the replay memory.
        gradient_steps: Gradient steps of each visit.
        n_step: Rewards that are summed before the target network is asked (1: one-step).
        target_every: Target network updates: after so many steps, or episodes, see next.
        target_unit: ``"steps"`` or ``"episodes"``.
        tau: Share of the online network taken over at each target update (1: a copy).
        double_q: The online network chooses the next action, the target network values it.
        loss: ``"squared"`` or ``"huber"`` error of the Q-values.
        clipping: ``"norm"`` scales the whole gradient, ``"value"`` cuts every entry.
        clip: Largest norm, or largest absolute value of an entry.
        epsilon_start: Share of random actions at the start.
        epsilon_end: Smallest share of random actions.
        epsilon_fraction: Share of the training over which it falls, on a straight line.
        epsilon_decay: Instead of the line: factor on it per step; None for the line.
    """

    clip: float = 10.0
    buffer_size: int = 50_000
    batch_size: int = 128
    learning_starts: int = 1_000
    train_every: int = 2
    gradient_steps: int = 1
    n_step: int = 1
    target_every: int = 1
    target_unit: Literal["steps", "episodes"] = "steps"
    tau: float = 0.005
    double_q: bool = False
    loss: Literal["squared", "huber"] = "squared"
    clipping: Literal["norm", "value"] = "norm"
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_fraction: float = 0.2
    epsilon_decay: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("loss", self.loss, LOSSES)
        check_choice("clipping", self.clipping, CLIPPINGS)
        check_choice("target_unit", self.target_unit, ("steps", "episodes"))
        counts = ("buffer_size", "batch_size", "train_every", "gradient_steps", "n_step")
        self._check_integers(*counts, "target_every", lowest=1)
        self._check_integers("learning_starts", lowest=0)
        shares = ("tau", "epsilon_start", "epsilon_end", "epsilon_fraction")
        self._check_reals(*shares, lowest=0.0, highest=1.0)
        if self.epsilon_decay is not None:
            self._check_reals("epsilon_decay", lowest=0.0, highest=1.0)
        self._check_flags("double_q")


@dataclass(frozen=True, kw_only=True)
class DsqnSettings(DqnSettings):
    """How a spiking Q network is trained: as any Q network, and what its neurons are.

    Attributes:
        n_steps: Time steps T of a decision.
        timing: ``"instant"``, ``"nest"`` or ``"spytorch"``; the policy runs with the same.
        reset: ``"subtraction"`` or ``"zero"``.
        beta: Decay of the potential per step; 1 for integrate-and-fire, below for leaky.
        initial_potential: Of the hidden neurons; their threshold is 1.
        surrogate: Derivative of a spike, see `dsqn_fast.training.surrogate`.
        surrogate_scale: Its scale; None for the usual one.
        biases: Whether layers have bias currents.
        spike_cost: Added to the loss per spike of a decision; 0 for none.
    """

    n_steps: int = 20
    timing: Timing = "instant"
    reset: Reset = "subtraction"
    beta: float = 1.0
    initial_potential: float = 0.0
    surrogate: Literal["superspike", "arctan", "triangular"] = "superspike"
    surrogate_scale: float | None = None
    biases: bool = True
    spike_cost: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_n_steps(self.n_steps)
        check_choice("timing", self.timing, TIMINGS)
        check_choice("reset", self.reset, RESETS)
        check_choice("surrogate", self.surrogate, SURROGATES)
        self._check_reals("beta", lowest=1e-6, highest=1.0)
        self._check_reals("initial_potential", lowest=-1e6, highest=1e6)
        self._check_reals("spike_cost", lowest=0.0, highest=1e12)
        if self.surrogate_scale is not None:
            self._check_reals("surrogate_scale", lowest=1e-6, highest=1e6)
        self._check_flags("biases")
        if not self.hidden:
            raise OptionError("a spiking Q network needs a hidden layer, not hidden = []")
