"""Things that play: `predict` as in Stable-Baselines3, over the engine or a source network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ObservationTypeError, OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import Conv2d, Dense
from dsqn_fast.model.observations import TakesObservations, turn_images
from dsqn_fast.model.options import PRECISIONS, Precision, check_choice, check_n_steps
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.results import SimulationResult
from dsqn_fast.run_options import check_seed

State = tuple[NDArray[Any], ...] | None
Record = Sequence[int] | Literal["all"]


class Agent(Protocol):
    """Whatever has Stable-Baselines3's `predict`."""

    def predict(
        self,
        observation: Any,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], State]:
        """Actions (B,) of observations (B, ...), or one action, and the next state."""


class Simulator(Protocol):
    """What computes a spiking agent's decisions, with the meaning of `Engine.run`."""

    def __call__(
        self,
        observations: NDArray[Any],
        *,
        n_steps: int,
        seed: int,
        decisions: int | NDArray[np.uint64],
        record: Record,
    ) -> SimulationResult:
        """Simulate a batch of decisions."""


class SpikingAgent:
    """A spiking policy that plays.

    Every decision starts from the initial potentials: nothing is carried from one observation
    to the next but the count of decisions, which keys the noise of the Poisson encoding. An
    agent with the same seed that decides in the same order repeats its actions.

    Args:
        model: The spiking policy.
        n_steps: Time steps T per decision; None takes the model's own.
        n_threads: Threads that a batch of decisions is split over.
        precision: ``"float32"``, ``"float64"`` or ``"fixed"``, as of `Engine`.
        seed: Seed of the noise, 0 <= seed < 2**64.
        simulator: Computes the decisions instead of the compiled engine, for instance
            ``functools.partial(simulate_reference, model)``.

    Raises:
        OptionError: An option is out of range.
    """

    def __init__(
        self,
        model: SpikingModel,
        *,
        n_steps: int | None = None,
        n_threads: int = 1,
        precision: Precision = "float32",
        seed: int = 0,
        simulator: Simulator | None = None,
    ) -> None:
        self.model = model
        self.n_steps = check_n_steps(model.n_steps if n_steps is None else n_steps)
        self.seed = check_seed(seed)
        check_choice("precision", precision, PRECISIONS)
        self.precision: Precision = precision
        self.decisions_made = 0
        if simulator is None:
            from dsqn_fast.engine import Engine

            # Fixed point is laid out for the model's own n_steps.
            timed = model if self.n_steps == model.n_steps else model.replace(n_steps=self.n_steps)
            simulator = Engine(timed, n_threads=n_threads, precision=precision).run
        self.n_threads = check_n_steps(n_threads, "n_threads")
        self._simulator = simulator

    @property
    def source(self) -> AnnModel | None:
        """The network that the policy was converted from, where known."""
        return self.model.source

    @property
    def env_id(self) -> str | None:
        """Id of the environment that the policy plays, where known."""
        return self.model.env_id

    @property
    def preprocessing(self) -> Mapping[str, Any] | None:
        """Preprocessing that the policy's observations need."""
        return self.model.preprocessing

    def simulate(
        self,
        observations: NDArray[Any],
        *,
        decisions: int | NDArray[np.uint64] | None = None,
        record: Record = (),
    ) -> SimulationResult:
        """Everything about the decisions on some observations.

        Args:
            observations: (B, *shape) or one observation.
            decisions: Index of each decision, which keys its noise: (B,), or the first of a
                count. None counts on from the agent's last decision.
            record: Populations whose spikes and potentials are recorded, or ``"all"``.

        Raises:
            ObservationError: Observations do not fit or are not finite.
            OptionError: An argument is out of range.
        """
        batch, _ = as_batch(self.model, observations)
        result = self._simulator(
            batch,
            n_steps=self.n_steps,
            seed=self.seed,
            decisions=self.decisions_made if decisions is None else decisions,
            record=record,
        )
        if decisions is None:  # counted now that the observations were not refused
            self.decisions_made += len(batch)
        return result

    def predict(
        self,
        observation: Any,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.int64], State]:
        """Actions of observations, as `stable_baselines3`'s predict gives them.

        Args:
            observation: One observation, or (B, *shape).
            state: Given back as it is: decisions carry no state.
            episode_start: Accepted and not needed.
            deterministic: Accepted; the agent never explores.

        Returns:
            Actions: an int64 array, (B,) for a batch, () for one observation; and the state.

        Raises:
            ObservationError: Observations do not fit or are not finite.
        """
        _, single = as_batch(self.model, observation)
        return _like_input(self.simulate(observation).actions, single), state


class AnnAgent:
    """A source network that plays greedily: the first of the largest outputs.

    Outputs are computed in float64, so that an action does not depend on how many
    observations a matrix product is given at once.

    Args:
        ann: The source network.
    """

    def __init__(self, ann: AnnModel) -> None:
        self.ann = ann
        self._network = in_float64(ann)

    @property
    def env_id(self) -> str | None:
        """Id of the environment that the network was trained on, where known."""
        return self.ann.env_id

    @property
    def preprocessing(self) -> Mapping[str, Any] | None:
        """Preprocessing that the network's observations need."""
        return self.ann.preprocessing

    def predict(
        self,
        observation: Any,
        state: State = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.int64], State]:
        """Actions of observations; see `SpikingAgent.predict`."""
        batch, single = as_batch(self.ann, observation)
        if batch.dtype.kind in "biuf":
            batch = batch.astype(np.float64)
        actions = self._network.forward(batch).argmax(axis=1).astype(np.int64)
        return _like_input(actions, single), state


def as_batch(network: TakesObservations, observation: Any) -> tuple[NDArray[Any], bool]:
    """Observations as (B, *shape), and whether only one without B was given.

    Images whose channels are last are turned where the network wants them first, as
    Stable-Baselines3 does; their values and shape are checked by whoever computes.

    Raises:
        ObservationTypeError: They are sequences of unequal lengths.
    """
    try:
        batch = np.asarray(observation)
    except ValueError:
        raise ObservationTypeError(
            "observations must be one array of numbers, not sequences of unequal lengths"
        ) from None
    single = batch.ndim == len(network.input_shape)
    if single:
        batch = batch[np.newaxis]
    return turn_images(network, batch), single


def in_float64(ann: AnnModel) -> AnnModel:
    """The same network with float64 parameters."""
    layers = tuple(
        replace(
            layer,
            weight=layer.weight.astype(np.float64),
            bias=layer.bias.astype(np.float64),
        )
        if isinstance(layer, Dense | Conv2d)
        else layer
        for layer in ann.layers
    )
    return replace(ann, layers=layers)


def _like_input(actions: NDArray[np.int64], single: bool) -> NDArray[np.int64]:
    """One action without the batch axis where one observation was given."""
    return actions.squeeze(axis=0) if single else actions


def source_agent(source: AnnModel | Agent | None) -> Agent | None:
    """An agent that plays ``source``.

    Raises:
        OptionError: It is neither a network nor something with `predict`.
    """
    if source is None or hasattr(source, "predict"):
        return source
    if isinstance(source, AnnModel):
        return AnnAgent(source)
    raise OptionError(f"source must be an AnnModel or have predict(), not {type(source).__name__}")
