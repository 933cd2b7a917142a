"""The rows of the thesis "Deep Spiking Q Networks" (Hahn 2020), measured again from its networks.

Each row converts the ReLU network (never the thesis's own converted file) and plays episodes with
the `spytorch` timing, constant current, reset by subtraction, potential decoding, start potential
zero: the thesis's own simulator.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dsqn_fast.agents import AnnAgent, SpikingAgent
from dsqn_fast.conversion import convert
from dsqn_fast.conversion.observation_files import load_observations
from dsqn_fast.evaluation import evaluate
from dsqn_fast.importers import load_ann
from dsqn_fast.model import AnnModel

CARTPOLE, MOUNTAINCAR = "CartPole-v1", "MountainCar-v0"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the thesis reports; accuracy is a share, None where it reports none."""

    mean: float
    std: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: a network, how it is converted, and what was published.

    Attributes:
        network: File without ``.npz``.
        normalization: Rule for the scales; None plays the ReLU network itself.
        percentile: p of the rule.
        n_steps: T; None for the ReLU network.
        replay: File of calibration observations without ``.npz``.
        env_id: Environment.
        max_episode_steps: Step limit; None for the environment's own.
        published: What the thesis's tables say: one entry, or two where its tables differ.
    """

    network: str
    normalization: str | None
    percentile: float = 0.99
    n_steps: int | None = None
    replay: str | None = "cartpole_replay"
    env_id: str = CARTPOLE
    max_episode_steps: int | None = None
    published: tuple[Published, ...] = ()

    @property
    def name(self) -> str:
        """The row in words."""
        if self.normalization is None:
            return f"{self.network}, the ReLU network"
        quantile = f" {self.percentile:g}" if self.normalization == "thesis-robust" else ""
        return f"{self.network}, {self.normalization}{quantile}, T = {self.n_steps}"


def _dqn(n_steps: int, *published: Published, rule: str = "thesis-robust", p: float = 0.99) -> Row:
    return Row(
        network="cartpole_dqn",
        normalization=rule,
        percentile=p,
        n_steps=n_steps,
        published=published,
    )


def _car(n_steps: int, *published: Published) -> Row:
    return Row(
        network="mountaincar_dqn",
        normalization="thesis-robust",
        n_steps=n_steps,
        replay="mountaincar_replay",
        env_id=MOUNTAINCAR,
        max_episode_steps=500,
        published=published,
    )


def _classifier(n_steps: int, published: Published) -> Row:
    return Row(
        network="cartpole_classifier",
        normalization="thesis-robust",
        n_steps=n_steps,
        published=(published,),
    )


ROWS = (
    Row(
        network="cartpole_dqn",
        normalization=None,
        published=(Published(mean=226.31, std=32.74),),
    ),
    _dqn(10, Published(mean=18.61, std=14.50, accuracy=0.5600)),
    _dqn(50, Published(mean=122.4, std=3.93, accuracy=0.6208)),
    _dqn(100, Published(mean=122.26, std=3.60, accuracy=0.6072)),
    _dqn(500, Published(mean=160.12, std=9.17, accuracy=0.8161)),
    _dqn(1000, Published(mean=175.57, std=12.14, accuracy=0.8939)),
    _dqn(100, Published(mean=120.85, accuracy=0.5997), rule="thesis-model"),
    _dqn(100, Published(mean=125.47, accuracy=0.6135), p=1.0),
    _dqn(100, Published(mean=127.59, accuracy=0.6289), p=0.95),
    _classifier(100, Published(mean=195.18, std=18.36, accuracy=0.9558)),
    _classifier(500, Published(mean=217.56, std=32.99, accuracy=0.9910)),
    Row(
        network="cartpole_dsqn",
        normalization="none",
        n_steps=20,
        replay=None,
        published=(Published(mean=454.84, std=81.29),),
    ),
    _car(50, Published(mean=-463.51, std=72.71, accuracy=0.0568)),
    _car(
        100,
        Published(mean=-206.27, std=102.24, accuracy=0.5165),
        Published(mean=-180.32, accuracy=0.6438),
    ),
    _car(500, Published(mean=-147.34, std=31.61, accuracy=0.9656)),
)
INFEASIBLE = (_dqn(5000), _dqn(10000))
"""Cells that the thesis left out: infeasible with the computation power it had."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a row gives here; accuracy is None where nothing was converted."""

    mean: float
    std: float
    accuracy: float | None
    episodes: int
    seconds: float

    @property
    def standard_error(self) -> float:
        """Of the mean return."""
        return float(self.std / self.episodes**0.5)


def load_network(name: str, env_id: str, data: Path = DATA) -> AnnModel:
    """A thesis network; `cartpole_dsqn` reads its bias from a constant 1 in the observation."""
    ann = load_ann(data / "thesis" / f"{name}.npz", env_id=env_id)
    if name == "cartpole_dsqn":
        return replace(ann, preprocessing={"name": "append-one"})
    return ann


def measure(row: Row, *, episodes: int = 100, seed: int = 0, data: Path = DATA) -> Measured:
    """Convert and play one row."""
    begin = time.perf_counter()
    ann = load_network(row.network, row.env_id, data)
    agent: Any = (
        AnnAgent(ann) if row.normalization is None else SpikingAgent(_model(row, ann, data))
    )
    report = evaluate(
        agent,
        row.env_id if ann.preprocessing is None else None,
        episodes=episodes,
        seed=seed,
        max_episode_steps=row.max_episode_steps,
    )
    return Measured(
        mean=report.mean,
        std=report.std,
        # The DSQN was trained as it is: it has no network that it was converted from.
        accuracy=None if row.normalization in (None, "none") else report.agreement,
        episodes=episodes,
        seconds=time.perf_counter() - begin,
    )


def _model(row: Row, ann: AnnModel, data: Path) -> Any:
    observations = None
    if row.replay is not None:
        observations = load_observations(data / "thesis" / f"{row.replay}.npz")
    return convert(
        ann,
        observations,
        normalization=row.normalization,  # type: ignore[arg-type]
        percentile=row.percentile,
        initial_potential="zero",
        timing="spytorch",
        n_steps=row.n_steps,
    )


def difference(row: Row, measured: Measured) -> list[str]:
    """Where a row is outside what was published; empty if it agrees.

    Returns may differ by 3 standard errors of the difference (of MountainCar, whose few long
    episodes make the mean heavy-tailed, by 25), accuracies by 1.5 points. Where two published
    tables differ, what lies between them agrees with them.
    """
    found = []
    own = measured.standard_error
    stds = [one.std for one in row.published if one.std is not None] or [measured.std]
    error = (own**2 + (max(stds) / 10) ** 2) ** 0.5
    allowed = 25.0 if row.env_id == MOUNTAINCAR else 3 * error
    means = [one.mean for one in row.published]
    if not min(means) - allowed <= measured.mean <= max(means) + allowed:
        found.append(f"return {measured.mean:.2f}, published {means}, allowed +-{allowed:.2f}")
    shares = [one.accuracy for one in row.published if one.accuracy is not None]
    if shares and measured.accuracy is not None:
        share = float(np.clip(measured.accuracy, min(shares), max(shares)))
        if abs(share - measured.accuracy) > 0.015:
            found.append(f"accuracy {measured.accuracy:.4f}, published {shares}")
    return found
