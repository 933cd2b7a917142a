"""Run a policy on a target and in the engine, and say how faithful it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.agents import AnnAgent
from dsqn_fast.conversion.calibration_set import sample
from dsqn_fast.conversion.gather import play, spiking
from dsqn_fast.deploy.backend import Backend
from dsqn_fast.deploy.catalogue import make_target
from dsqn_fast.deploy.comparison import Comparison, Side, compare, join
from dsqn_fast.deploy.report import Agreement, VerificationReport
from dsqn_fast.deploy.verdict import Verdict, judge
from dsqn_fast.engine import Engine
from dsqn_fast.errors import ObservationError, OptionError
from dsqn_fast.model.observations import observation_shape, prepare_observations
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.run_options import check_seed, expand_output_neurons

RECORDED: Final = 2**24
"""Most (decision, step, neuron) whose spikes are held at once."""
VISITED: Final = 10
"""States that are visited for each one that is compared."""
EPISODES: Final = 20
"""Most episodes that are played to visit them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Verification:
    """A report and one decision for a picture.

    Attributes:
        report: The report.
        ours: Spikes of the engine, population -> (T, n_l), of the decision that parts first;
            the first decision if none parts; empty if the policy is unsupported.
        theirs: Those of the target.
        decision: Which decision it is.
    """

    report: VerificationReport
    ours: Mapping[int, NDArray[np.int8]]
    theirs: Mapping[int, NDArray[np.int8]]
    decision: int = 0


def verify(
    model: SpikingModel,
    target: str,
    *,
    observations: NDArray[Any] | None = None,
    n_steps: int | None = None,
    decisions: int = 200,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    python: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VerificationReport:
    """Run the same decisions on a target and in the engine, and compare them.

    The engine computes what the target is meant to compute: the policy with the timing, leak
    and number type of the target (the report says which). Agreement with the policy as shipped
    and with its source network is reported as well.

    Args:
        model: The policy.
        target: Name of a target; `dsqn_fast.deploy.catalogue.TARGETS` has them.
        observations: (B, *shape) to decide on; None lets the policy play its environment.
        n_steps: Time steps T; None takes the model's own.
        decisions: Number of decisions, chosen from the states that the policy visits; with
            ``observations`` all of them are taken.
        seed: Seed of the play and of the encoding's noise.
        options: Options of the target.
        python: The Python that runs the target.
        progress: Called with the number of decisions done and wanted.

    Raises:
        OptionError: An argument is out of range, or the policy names no environment.
        ObservationError: Observations do not fit, are none, or are not finite.
        MissingTargetError: The target is not installed.
        TargetError: The target failed.
    """
    return verify_in_detail(
        model,
        target,
        observations=observations,
        n_steps=n_steps,
        decisions=decisions,
        seed=seed,
        options=options,
        python=python,
        progress=progress,
    ).report


def verify_in_detail(
    model: SpikingModel,
    target: str,
    *,
    observations: NDArray[Any] | None = None,
    n_steps: int | None = None,
    decisions: int = 200,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    python: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """`verify`, with the spikes of one decision for a picture."""
    steps = check_n_steps(model.n_steps if n_steps is None else n_steps)
    seed = check_seed(seed)
    asked = make_target(target, options)
    shared: dict[str, Any] = {
        "target": target,
        "title": asked.title,
        "options": asked.chosen,
        "emulated": asked.emulated,
        "n_steps": steps,
    }
    if (reason := asked.unsupported(model)) is not None:
        verdict = Verdict(word="unsupported", sentence=reason)
        report = VerificationReport(version=None, compared="", verdict=verdict, **shared)
        return Verification(report=report, ours={}, theirs={})
    seen, origin = _observations(model, observations, decisions, seed)
    with Backend(model, target, n_steps=steps, options=options, python=python) as backend:
        found = _Found(model, backend, steps, seed)
        found.run(seen, progress or (lambda done, wanted: None))
        comparison = join(found.parts)
        report = VerificationReport(
            version=backend.version,
            compared=_words(backend),
            verdict=judge(comparison),
            comparison=comparison,
            milliseconds=1e3 * backend.seconds / len(seen),
            observations=origin,
            notes=backend.notes,
            **found.agreements(seen),
            **shared,
        )
    return Verification(
        report=report, ours=found.ours, theirs=found.theirs, decision=found.decision
    )


def _words(backend: Backend) -> str:
    words = backend.counterpart.words
    return f"the policy {words}" if words else "the policy as shipped"


def _observations(
    model: SpikingModel, given: NDArray[Any] | None, decisions: int, seed: int
) -> tuple[NDArray[Any], str]:
    """Observations (B, *shape), and where they come from."""
    if given is not None:
        array = np.asarray(given)
        if array.shape == observation_shape(model):
            array = array[np.newaxis]
        if len(prepare_observations(model, array, np.float64)) == 0:
            raise ObservationError("verification needs at least 1 observation, not 0")
        return array, f"{len(array)} given"
    wanted = check_n_steps(decisions, "decisions")
    if model.env_id is None:
        raise OptionError("the policy names no environment to play: give observations")
    played = play(
        spiking(model, seed=seed),
        model,
        model.env_id,
        episodes=EPISODES,
        max_observations=VISITED * wanted,
        seed=seed,
    )
    chosen = sample(played.observations, wanted, seed)
    return chosen, f"{len(chosen)} visited by the policy in {model.env_id}, seed {seed}"


class _Found:
    """Compares batch after batch, and keeps what is needed of each."""

    def __init__(self, model: SpikingModel, backend: Backend, steps: int, seed: int) -> None:
        counterpart = backend.counterpart
        self._model, self._backend, self._steps, self._seed = model, backend, steps, seed
        timed = counterpart.model.replace(n_steps=steps)
        self._engine = Engine(timed, precision=counterpart.precision)
        self.parts: list[Comparison] = []
        self._actions: list[NDArray[np.int64]] = []
        self.ours: dict[int, NDArray[np.int8]] = {}
        self.theirs: dict[int, NDArray[np.int8]] = {}
        self.decision = 0

    def run(self, seen: NDArray[Any], progress: Callable[[int, int], None]) -> None:
        """Compare all decisions, as many at once as memory holds."""
        expanded = expand_output_neurons(self._backend.counterpart.model)
        neurons = sum(layer.threshold.size for layer in expanded.populations)
        shapes = expanded.shapes()[1:]
        neurons = max(neurons, sum(int(np.prod(shape)) for shape in shapes))
        size = max(1, min(64, RECORDED // (self._steps * neurons)))
        progress(0, len(seen))
        for first in range(0, len(seen), size):
            self._batch(seen[first : first + size], first)
            progress(min(first + size, len(seen)), len(seen))

    def _batch(self, seen: NDArray[Any], first: int) -> None:
        theirs = self._backend(seen, seed=self._seed, decisions=first, record="all")
        result = self._engine.run(
            seen, n_steps=self._steps, seed=self._seed, decisions=first, record="all"
        )
        last = len(theirs.spike_counts) - 1
        mine = Side(
            spikes=dict(result.spikes),
            potentials=result.potentials[last][:, -1],
            actions=result.actions,
        )
        other = Side(
            spikes=dict(theirs.spikes),
            potentials=theirs.final_potentials,
            actions=theirs.actions,
        )
        part = compare(mine, other, first_decision=first)
        parted_before = any(one.first_difference for one in self.parts)
        self.parts.append(part)
        self._actions.append(theirs.actions)
        if not self.ours or (part.first_difference is not None and not parted_before):
            found = part.first_difference
            self.decision = first if found is None else found.decision
            row = self.decision - first
            self.ours = {i: spikes[row] for i, spikes in mine.spikes.items()}
            self.theirs = {i: spikes[row] for i, spikes in other.spikes.items()}

    def agreements(self, seen: NDArray[Any]) -> dict[str, Any]:
        """Of the target with the policy as shipped and the source, and of those two."""
        theirs = np.concatenate(self._actions)
        shipped = self._model.replace(n_steps=self._steps)
        ours = Engine(shipped).run(seen, seed=self._seed).actions
        found: dict[str, Agreement | None] = {
            "as_shipped": _agreement(theirs, ours),
            "source": None,
            "engine_source": None,
        }
        if self._model.source is not None:
            source, _ = AnnAgent(self._model.source).predict(seen)
            found["source"] = _agreement(theirs, source)
            found["engine_source"] = _agreement(ours, source)
        return found


def _agreement(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> Agreement:
    return Agreement(equal=int((ours == theirs).sum()), of=len(ours))
