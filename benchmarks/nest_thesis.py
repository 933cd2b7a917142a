"""Why the thesis lost decisions on NEST: its set-up, one factor switched at a time.

    python benchmarks/nest_thesis.py factors [--policy DSQN.npz] [--decisions 2000]
    python benchmarks/nest_thesis.py table [--episodes 100]

``factors`` compares NEST with the engine on the thesis's DSQN, or on another policy, in which
one part of the thesis's set-up is put right, and in which one part of the right set-up is done as
the thesis did. ``table`` plays the rows of its table 4.12 on `iaf_psc_delta`. Both print Markdown
and need the thesis's networks in ``../shared/data/thesis`` beside the repository.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.deploy.playing import BackendAgent
from dsqn_fast.deploy.verify import verify
from dsqn_fast.evaluation import evaluate
from dsqn_fast.importers import load_ann
from dsqn_fast.model import Dense, SpikingLayer, SpikingModel
from dsqn_fast.model_io import load_policy

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "thesis"


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One part of the set-up: the option, and its value in the thesis and in the policy."""

    name: str
    option: str
    thesis: str
    policy: str


def factors_of(model: SpikingModel) -> tuple[Factor, ...]:
    """Parts in which the thesis's set-up differs from what a policy was trained with."""
    late = model.timing == "spytorch"
    right_reset = "eprop_iaf" if model.neuron.reset == "subtraction" else "iaf_psc_delta"
    every = (
        Factor(name="resolution, ms", option="resolution", thesis="0.1", policy="1"),
        Factor(name="constant currents", option="input", thesis="dc_generator", policy="I_e"),
        Factor(name="outputs read by", option="reading", thesis="multimeter", policy="V_m"),
        Factor(name="neuron (reset)", option="neuron", thesis="iaf_psc_delta", policy=right_reset),
        Factor(name="delay, ms", option="delay", thesis="1", policy="2" if late else "1"),
        Factor(name="comparison", option="comparison", thesis=">=", policy=">" if late else ">="),
        Factor(
            name="steps and start of layers (timing)",
            option="timing",
            thesis="nest",
            policy=model.timing,
        ),
    )
    return tuple(factor for factor in every if factor.thesis != factor.policy)


def thesis_dsqn() -> SpikingModel:
    """The thesis's DSQN; its constant input of 1 is the bias of the first layer."""
    with np.load(DATA / "cartpole_dsqn.npz") as file:
        weights = [file[f"w{i}"] for i in range(3)]
    biases = [weights[0][4], *(np.zeros(w.shape[1], np.float32) for w in weights[1:])]
    weights[0] = weights[0][:4]
    pairs = zip(weights, biases, strict=True)
    layers = tuple(SpikingLayer(connection=Dense(weight=w, bias=b)) for w, b in pairs)
    return SpikingModel(
        layers=layers, input_shape=(4,), n_steps=20, timing="spytorch", env_id="CartPole-v1"
    )


def factor_rows(model: SpikingModel, decisions: int, seed: int) -> list[str]:
    """Lines of the table: agreement with the policy as shipped under every set-up."""
    factors = factors_of(model)
    thesis = {factor.option: factor.thesis for factor in factors}
    right = {factor.option: factor.policy for factor in factors}
    setups = [("the thesis's set-up", thesis), ("the policy's own set-up", right)]
    setups += [
        (f"thesis, but {f.name}: {f.policy}", thesis | {f.option: f.policy}) for f in factors
    ]
    setups += [(f"own, but {f.name}: {f.thesis}", right | {f.option: f.thesis}) for f in factors]
    lines = ["| set-up on NEST | equal actions | 95 % interval |", "|---|---|---|"]
    print("\n".join(lines))
    for name, options in setups:
        report = verify(model, "nest", decisions=decisions, seed=seed, options=options)
        assert report.as_shipped is not None, report.verdict.sentence
        found = report.as_shipped.to_dict()
        lines.append(
            f"| {name} | {found['share']:.2%} | {found['low']:.2%} to {found['high']:.2%} |"
        )
        print(lines[-1], flush=True)
    return lines


def played(model: SpikingModel, options: dict[str, str], episodes: int, seed: int) -> str:
    """Cells of one row: return, its spread and interval, agreement with source and engine."""
    with BackendAgent(model, "nest", seed=seed, options=options) as agent:
        report = evaluate(agent, "CartPole-v1", episodes=episodes, seed=seed, n_envs=50)
        agreement = agent.compared.agreement()
        milliseconds = 1e3 * agent.compared.backend.seconds / agent.compared.decisions
    assert agreement is not None
    low, high = report.confidence_interval
    source = "-" if report.agreement is None else f"{report.agreement:.2%}"
    return (
        f"{report.mean:.2f} ({report.std:.2f}), {low:.1f} to {high:.1f} | {source} | "
        f"{agreement.equal / agreement.of:.2%} | {milliseconds:.1f}"
    )


def table(episodes: int, seed: int) -> None:
    """Print the rows of table 4.12 that are on iaf_psc_delta, and the DSQN's."""
    observations = load_observations(DATA / "cartpole_replay.npz")
    ann = load_ann(DATA / "cartpole_dqn.npz", env_id="CartPole-v1")
    head = "| network, set-up | published: return, accuracy | return (std), 95 % interval | "
    print(
        head + "equal to the source | to the engine | ms per decision |\n|---|---|---|---|---|---|"
    )
    published = {100: "102.75 (3.10), 58.88 %", 500: "109.58, 60.53 %"}
    for n_steps, words in published.items():
        model = convert(
            ann,
            observations,
            normalization="thesis-robust",
            percentile=0.99,
            initial_potential="zero",
            timing="spytorch",
            n_steps=n_steps,
        )
        for name, options in (("thesis mode", {"mode": "thesis"}), ("as shipped", {})):
            shown = words if name == "thesis mode" else "-"
            cells = played(model, options, episodes, seed)
            print(f"| CartPole DQN, {n_steps} ms, {name} | {shown} | {cells} |", flush=True)
    for name, options in (("thesis mode", {"mode": "thesis"}), ("as shipped", {})):
        shown = "- , 67.6 % equal to the DSQN" if name == "thesis mode" else "-"
        cells = played(thesis_dsqn(), options, episodes, seed)
        print(f"| CartPole DSQN, 20 ms, {name} | {shown} | {cells} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("factors", "table"))
    parser.add_argument("--policy", help="a policy file in place of the thesis's DSQN")
    parser.add_argument("--decisions", type=int, default=2000)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.what == "table":
        table(options.episodes, options.seed)
        return
    model = thesis_dsqn() if options.policy is None else load_policy(options.policy)
    factor_rows(model, options.decisions, options.seed)


if __name__ == "__main__":
    main()
