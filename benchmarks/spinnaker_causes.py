"""Why the thesis's converted DQN failed on SpiNNaker: the chip's properties, one at a time.

    python benchmarks/spinnaker_causes.py [--episodes 100] [--n-steps 50]

Emulates the thesis's set-up (`IF_curr_delta`, tau_m = 100 ms, 16-bit weights with the shifts that
sPyNNaker estimates), and lets the engine play the same network with each property of the chip
switched off, and with each alone; then what this package offers instead. Prints Markdown. The
networks of the thesis are read from ``../shared/data/thesis`` beside the repository.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from nest_thesis import DATA

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.conversion import convert
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.deploy.playing import BackendAgent
from dsqn_fast.deploy.spinnaker.arithmetic import ONE, decay
from dsqn_fast.deploy.spinnaker.layout import Layout, lay_out
from dsqn_fast.deploy.spinnaker.settings import SpinnakerSettings
from dsqn_fast.evaluation import evaluate
from dsqn_fast.importers import load_ann
from dsqn_fast.model import Dense, Neuron, SpikingModel
from dsqn_fast.model_io import load_policy

POLICIES: Final = Path(__file__).resolve().parents[1] / "policies"
THESIS: Final = {"reset": "zero", "tau_m": "100", "cm": "1", "scale": "1", "sums": "estimated"}
SETTINGS: Final = SpinnakerSettings(tau_m=100.0, cm=1.0, scale=1.0, sums="estimated")
NAMES: Final = {"leak": "leak, tau_m = 100 ms", "zero": "reset to zero", "bits": "16-bit weights"}
Row = tuple[str, SpikingAgent]


def on_the_engine(model: SpikingModel, properties: set[str]) -> SpikingModel:
    """The policy with a step of delay and these properties of the chip, for the engine."""
    layout = lay_out(model, SETTINGS)
    leak = decay(SETTINGS.tau_m) / ONE if "leak" in properties else 1.0
    layers = []
    for index, layer in enumerate(model.populations):
        weight, bias = layer.connection.weight.astype(float), layer.connection.bias.astype(float)
        if "bits" in properties and index:
            weight = _held(layout, index)
        gain = layout.populations[index].gain if "leak" in properties else 1.0
        layers.append(replace(layer, connection=Dense(weight=weight * gain, bias=bias * gain)))
    reset: Any = "zero" if "zero" in properties else "subtraction"
    return model.replace(layers=tuple(layers), neuron=Neuron(beta=leak, reset=reset), timing="nest")


def _held(layout: Layout, index: int) -> np.ndarray:
    """Weights as the chip holds them, in units of the policy (its scale is 1)."""
    exc, inh = layout.populations[index].synapse_types
    gain = layout.populations[index].gain
    weights = [one.held.toarray() / 2.0 ** (15 - one.shift) for one in (exc, inh)]
    held: np.ndarray = (weights[0] - weights[1]) * gain
    return held


def rows(model: SpikingModel) -> Iterator[Row]:
    """What is played, and what plays it."""

    def engine(properties: set[str]) -> SpikingAgent:
        return SpikingAgent(on_the_engine(model, properties), precision="float64")

    every = set(NAMES)
    yield "engine, as converted", SpikingAgent(model)
    yield "emulated, the thesis's set-up", BackendAgent(model, "spinnaker-emulated", options=THESIS)
    yield "engine with all three", engine(every)
    for name, words in NAMES.items():
        yield f"engine, all but: {words}", engine(every - {name})
    for name, words in NAMES.items():
        yield f"engine, only: {words}", engine({name})
    yield "engine, none of them", engine(set())
    zero = {"reset": "zero"}
    yield (
        "emulated, tau_m = 32768 ms, reset to zero",
        BackendAgent(model, "spinnaker-emulated", options=zero),
    )
    yield "emulated, tau_m = 32768 ms, copies", BackendAgent(model, "spinnaker-emulated")


def networks(n_steps: int) -> Iterator[tuple[str, SpikingModel]]:
    """The thesis's DQN as it was converted there and as here, and the shipped policy."""
    if DATA.is_dir():
        ann = load_ann(DATA / "cartpole_dqn.npz", env_id="CartPole-v1")
        seen = load_observations(DATA / "cartpole_replay.npz")
        options: dict[str, Any] = {"percentile": 0.99, "n_steps": n_steps, "timing": "nest"}
        yield (
            f"thesis's DQN, thesis-robust 0.99, T = {n_steps}",
            convert(ann, seen, normalization="thesis-robust", initial_potential="zero", **options),
        )
        yield (
            f"thesis's DQN, channel, start at half, T = {n_steps}",
            convert(ann, seen, normalization="channel", initial_potential="half", **options),
        )
    policy = load_policy(POLICIES / "cartpole-dqn.npz")
    yield f"policies/cartpole-dqn.npz, T = {policy.n_steps}", policy


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--n-steps", type=int, default=50, help="T of the thesis's network")
    words = parser.parse_args()
    for name, model in networks(words.n_steps):
        print(f"\n{name}\n\n| played by | return (std) | equal to the source |\n|---|---|---|")
        for title, agent in rows(model):
            report = evaluate(agent, episodes=words.episodes, n_envs=min(100, words.episodes))
            agreement = "-" if report.agreement is None else f"{report.agreement:.1%}"
            print(f"| {title} | {report.mean:.1f} ({report.std:.1f}) | {agreement} |", flush=True)
            if isinstance(agent, BackendAgent):
                agent.close()


if __name__ == "__main__":
    main()
