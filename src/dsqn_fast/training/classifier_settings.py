"""Hyperparameters of classifiers that learn a teacher's actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import RESETS, TIMINGS, Reset, Timing, check_choice, check_n_steps
from dsqn_fast.training.checked_settings import CheckedSettings, as_tuple, check_integer
from dsqn_fast.training.devices import check_device
from dsqn_fast.training.lessons import ImitationOptions
from dsqn_fast.training.state_options import StateOptions
from dsqn_fast.training.surrogate import SURROGATES


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings(CheckedSettings):
    """How a classifier is taught; every step counted is an epoch, over all rounds.

    Attributes:
        teacher: Who is imitated: a policy, another file, or the folder of a run.
        observations: A file of states to learn from (.npy, or .npz with ``observations``), episode
            after episode; None lets the teacher play.
        hidden: Neurons of the hidden layers.
        states: States that the teacher visits.
        epsilon: Share of random actions while states are visited.
        rounds: Rounds of DAgger after that, see `StateOptions`.
        round_states: States of each such round.
        epochs: Passes over all states so far, in the first and in every other round.
        learning_rate: At the start of a round; it falls to 0 along half a cosine.
        batch_size: States of one gradient step.
        validation_share: Share of the states, whole episodes, on which the best epoch of a round
            is chosen.
        rounded: Of a ReLU network: learn with activations rounded to the T levels that they have
            after conversion (quantisation-clip-floor-shift, Bu et al. 2022).
        eval_every: Epochs between two evaluations in the environment.
        eval_episodes: Episodes of each evaluation, the same ones each time.
        test_episodes: Fresh episodes that the best network and its teacher are scored on.
        checkpoint_every: Epochs between two checkpoints from which a run can be resumed.
    """

    teacher: str = ""
    observations: str | None = None
    hidden: tuple[int, ...] = (16, 16)
    states: int = 20_000
    epsilon: float = 0.1
    rounds: int = 2
    round_states: int = 10_000
    epochs: int = 30
    learning_rate: float = 3e-3
    batch_size: int = 512
    validation_share: float = 0.1
    rounded: bool = True
    eval_every: int = 10
    eval_episodes: int = 50
    test_episodes: int = 100
    checkpoint_every: int = 5

    def __post_init__(self) -> None:
        counts = ("eval_every", "eval_episodes", "test_episodes", "checkpoint_every", "states")
        self._check_integers(*counts, "round_states", "epochs", "batch_size", lowest=1)
        self._check_flags("rounded")
        self._check_reals("learning_rate", lowest=1e-12, highest=999.0)
        self._check_reals("epsilon", "validation_share", lowest=0.0, highest=1.0)
        for size in as_tuple("hidden", self.hidden):
            check_integer("a hidden layer's size", size, 1)
        for name in ("teacher", "observations"):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "teacher"):
                raise OptionError(f"{name} must be the path of a file, not {value!r}")
        _ = self.state_options, self.imitation_options  # which check their values themselves

    @property
    def total_steps(self) -> int:
        """Epochs of all rounds."""
        return self.epochs * (self.rounds + 1)

    @property
    def state_options(self) -> StateOptions:
        """Which states are learned from."""
        return StateOptions(
            observations=self.states,
            epsilon=self.epsilon,
            rounds=self.rounds,
            round_observations=self.round_states,
        )

    @property
    def imitation_options(self) -> ImitationOptions:
        """How they are learned."""
        return ImitationOptions(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            validation_share=self.validation_share,
        )


@dataclass(frozen=True, kw_only=True)
class SpikingClassifierSettings(ClassifierSettings):
    """How a classifier of spiking neurons is taught, whatever the rule.

    Attributes:
        n_steps: Time steps T of a decision.
        timing: ``"instant"``, ``"nest"`` or ``"spytorch"``; the policy runs with the same.
        reset: ``"subtraction"`` or ``"zero"``.
        beta: Decay of the potential per step; 1 for integrate-and-fire, below for leaky.
        initial_potential: Of the hidden neurons; their threshold is 1.
        biases: Whether layers have bias currents.
    """

    n_steps: int = 20
    timing: Timing = "instant"
    reset: Reset = "subtraction"
    beta: float = 1.0
    initial_potential: float = 0.0
    biases: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_n_steps(self.n_steps)
        check_choice("timing", self.timing, TIMINGS)
        check_choice("reset", self.reset, RESETS)
        self._check_reals("beta", lowest=1e-6, highest=1.0)
        self._check_reals("initial_potential", lowest=-1e6, highest=1e6)
        self._check_flags("biases")
        if not self.hidden:
            raise OptionError("a spiking classifier needs a hidden layer, not hidden = []")


@dataclass(frozen=True, kw_only=True)
class SurrogateClassifierSettings(SpikingClassifierSettings):
    """By backpropagation with surrogate gradients.

    Attributes:
        surrogate: Derivative of a spike, see `dsqn_fast.training.surrogate`.
        surrogate_scale: Its scale; None for the usual one.
        sharpness: Factor on the outputs inside the cross-entropy.
        spike_cost: Added to the loss per hidden spike of a decision; 0 for none.
        device: Where torch learns, see `dsqn_fast.training.devices`.
    """

    surrogate: Literal["superspike", "arctan", "triangular"] = "superspike"
    surrogate_scale: float | None = None
    sharpness: float = 1.0
    spike_cost: float = 0.0
    device: Literal["auto", "cpu", "cuda"] = "cpu"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("surrogate", self.surrogate, SURROGATES)
        check_device(self.device)
        self._check_reals("spike_cost", lowest=0.0, highest=1e12)
        self._check_reals("sharpness", lowest=1e-6, highest=1e6)
        if self.surrogate_scale is not None:
            self._check_reals("surrogate_scale", lowest=1e-6, highest=1e6)


@dataclass(frozen=True, kw_only=True)
class ErbpClassifierSettings(SpikingClassifierSettings):
    """By event-driven random backpropagation, see `dsqn_fast.training.erbp_pupil`.

    Attributes:
        boxcar: Half the width of the boxcar around the threshold. Potentials without a leak
            wander far below it, and a neuron that has left the boxcar learns nothing more: with 1,
            one CartPole seed of five and all of MountainCar got stuck in that way.
        error_threshold: Of the error neurons, in spikes.
    """

    learning_rate: float = 0.5
    boxcar: float = 10.0
    error_threshold: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_reals("boxcar", "error_threshold", lowest=1e-6, highest=1e6)
