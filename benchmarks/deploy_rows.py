"""Policies on targets: what is verified, played and timed for the table of docs/deploy.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nest_thesis import DATA, thesis_dsqn

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.deploy.playing import BackendAgent
from dsqn_fast.deploy.verify import verify
from dsqn_fast.evaluation import evaluate
from dsqn_fast.importers import load_ann
from dsqn_fast.model import SpikingModel
from dsqn_fast.model_io import load_policy

PROJECT: Final = Path(__file__).resolve().parents[1]
STORE: Final = PROJECT / "docs" / "deploy-rows.json"
SIDE_BY_SIDE: Final = 50
"""Episodes played at once, so that a target decides in batches."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy of the table.

    Attributes:
        name: As the table calls it.
        model: It.
        max_episode_steps: Step limit; None for the environment's own.
    """

    name: str
    model: SpikingModel
    max_episode_steps: int | None = None


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A target and its options.

    Attributes:
        target: Its name.
        options: Its options.
        episodes: Most episodes that are played; 0 for none.
        decisions: Decisions that are verified.
    """

    target: str
    options: dict[str, str] = field(default_factory=dict)
    episodes: int = 100
    decisions: int = 200


SETUPS: Final = (
    Setup(target="nest"),
    Setup(target="nest", options={"timing": "nest"}, episodes=50),
    Setup(target="nest", options={"timing": "nest", "neuron": "pp_exact"}, episodes=20),
    Setup(target="nest", options={"timing": "nest", "neuron": "pp_psc_delta"}, episodes=50),
    Setup(target="nest", options={"mode": "thesis"}, episodes=50),
    Setup(target="pynn-nest", options={"timing": "nest"}, episodes=20),
    Setup(target="pynn-nest", episodes=20),
    Setup(target="pynn-brian2", options={"timing": "nest"}, episodes=20, decisions=50),
    Setup(target="spinnaker-emulated"),
    Setup(target="spinnaker-emulated", options={"reset": "zero"}),
    Setup(
        target="spinnaker-emulated",
        options={"reset": "zero", "tau_m": "100", "cm": "1", "scale": "1", "sums": "estimated"},
    ),
    Setup(target="nir", episodes=0),
    Setup(target="nir", options={"framework": "spikingjelly"}, episodes=20),
)


def policies() -> Iterator[Policy]:
    """Those that this project ships, and the thesis's networks where they are at hand."""
    for path in sorted((PROJECT / "policies").glob("*.npz")):
        model = load_policy(path)
        if model.env_id in ("CartPole-v1", "MountainCar-v0"):
            yield Policy(name=path.stem, model=model)
    if not DATA.is_dir():
        return
    for net, env_id, limit in (
        ("cartpole", "CartPole-v1", None),
        ("mountaincar", "MountainCar-v0", 500),
    ):
        model = convert(
            load_ann(DATA / f"{net}_dqn.npz", env_id=env_id),
            load_observations(DATA / f"{net}_replay.npz"),
            normalization="thesis-robust",
            percentile=0.99,
            initial_potential="zero",
            timing="spytorch",
            n_steps=100,
        )
        yield Policy(name=f"thesis {net} DQN", model=model, max_episode_steps=limit)
    yield Policy(name="thesis cartpole DSQN", model=thesis_dsqn())


def measure(policy: Policy, setup: Setup, *, episodes: int, seed: int) -> dict[str, Any]:
    """One row: the verification, and episodes played there unless the policy is unsupported."""
    report = verify(
        policy.model, setup.target, decisions=setup.decisions, seed=seed, options=setup.options
    )
    row: dict[str, Any] = {
        "policy": policy.name,
        "target": setup.target,
        "options": setup.options,
        "verification": report.to_dict(),
        "seed": seed,
        "played": None,
    }
    episodes = min(episodes, setup.episodes)
    if report.comparison is None or episodes == 0:
        return row
    with BackendAgent(policy.model, setup.target, seed=seed, options=setup.options) as agent:
        played = evaluate(
            agent,
            episodes=episodes,
            seed=seed,
            n_envs=min(SIDE_BY_SIDE, episodes),
            max_episode_steps=policy.max_episode_steps,
        )
        found = played.to_dict()
        row["played"] = {
            **{key: found[key] for key in KEPT},
            "agreement_engine": agent.compared.to_dict()["agreement_engine"],
            "milliseconds_per_decision": agent.compared.to_dict()["milliseconds_per_decision"],
        }
    return row


KEPT: Final = (
    "mean_return",
    "std_return",
    "ci_low",
    "ci_high",
    "episodes",
    "decisions",
    "agreement",
)


def key(row: dict[str, Any]) -> tuple[str, str, str]:
    """What a row is about: a new measurement replaces the one with the same key."""
    return row["policy"], row["target"], json.dumps(row["options"], sort_keys=True)


def stored() -> list[dict[str, Any]]:
    """All rows measured so far."""
    rows: list[dict[str, Any]] = json.loads(STORE.read_text()) if STORE.is_file() else []
    return rows


def store(row: dict[str, Any]) -> None:
    """Put a row into the file of rows; another one may have been put there meanwhile."""
    rows = {key(one): one for one in stored()} | {key(row): row}
    ordered = [rows[one] for one in sorted(rows)]
    lines = ",\n".join(json.dumps(one) for one in ordered)
    STORE.write_text(f"[\n{lines}\n]\n")
