"""What several training seeds came to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelFileError
from dsqn_fast.output_files import write_whole
from dsqn_fast.statistics import (
    Estimate,
    Spread,
    iqm,
    mean,
    probability_of_improvement,
    spread_of_moments,
    standard_deviation,
)
from dsqn_fast.training.seed_process import SeedRun

SUMMARY: Final = "seeds.json"
NETWORK: Final = "test"
SPIKING: Final = "spiking"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """The best checkpoints of all seeds on their fresh episodes.

    Attributes:
        means: (seeds,) mean return over the episodes of each seed.
        deviations: (seeds,) standard deviation over them (divisor n).
        lowest: (seeds,) lowest return of an episode.
        episodes: Episodes of each seed.
    """

    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    lowest: NDArray[np.float64]
    episodes: int

    @cached_property
    def iqm(self) -> Estimate:
        """Interquartile mean over seeds with its 95 % stratified bootstrap interval."""
        return iqm(self.means)

    @cached_property
    def spread(self) -> Spread:
        """Deviations over episodes and over training seeds, kept apart."""
        return spread_of_moments(self.means, self.deviations, episodes=self.episodes)

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values; NaN becomes None."""
        value, low, high = (None if np.isnan(x) else x for x in self.iqm)
        return {
            "mean": mean(self.means),
            "std": standard_deviation(self.means),
            "iqm": value,
            "ci_low": low,
            "ci_high": high,
            "spread": {k: v for k, v in self.spread.to_dict().items() if k != "conversion"},
            "episodes": self.episodes,
            "means": self.means.tolist(),
            "deviations": self.deviations.tolist(),
            "lowest": self.lowest.tolist(),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SeedSummary:
    """The runs of all seeds.

    Attributes:
        method: Method of training.
        env_id: Environment.
        command: Command that does the same.
        runs: One per seed.
        other: Another method's summary, as `read_summary` gives it, to compare with.
    """

    method: str
    env_id: str
    command: str
    runs: tuple[SeedRun, ...]
    other: Mapping[str, Any] | None = None

    @property
    def finished(self) -> tuple[SeedRun, ...]:
        """The runs that have a result."""
        return tuple(run for run in self.runs if run.result is not None)

    @cached_property
    def network(self) -> Scores | None:
        """Scores of the trained networks; None where they spike already, see `spiking`."""
        return _scores([run for run in self.finished if not _spikes(run)], NETWORK)

    @cached_property
    def spiking(self) -> Scores | None:
        """Scores of the spiking policies that they are or became; None without any."""
        return _scores(self.finished, SPIKING)

    def conversion(self) -> dict[str, float] | None:
        """What conversion changed on the same episodes: mean and deviation over seeds."""
        if self.network is None or self.spiking is None:
            return None
        if len(self.network.means) != len(self.spiking.means):
            return None
        change = self.spiking.means - self.network.means
        return {"mean": mean(change), "std": standard_deviation(change)}

    def improvement(self) -> dict[str, Any] | None:
        """Probability that a seed of this method scores above one of the other's.

        Networks are compared with networks and spiking policies with spiking policies; where
        one method has only the first kind and the other only the second, what was ``trained``.
        """
        if self.other is None:
            return None
        own, others = self.to_compare(), self.other
        found: dict[str, Any] = {
            name: _improvement(scores, others[name]["means"])
            for name, scores in own.items()
            if others.get(name) is not None
        }
        theirs = others.get("network") or others.get(SPIKING)
        if own and theirs and not found:
            found["trained"] = _improvement(next(iter(own.values())), theirs["means"])
        return {"over": others["method"], **found}

    def to_compare(self) -> dict[str, Scores]:
        """The scores that there are, by the names that `to_dict` gives them."""
        both = {"network": self.network, SPIKING: self.spiking}
        return {name: scores for name, scores in both.items() if scores is not None}

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return {
            "method": self.method,
            "env_id": self.env_id,
            "command": self.command,
            "network": None if self.network is None else self.network.to_dict(),
            "spiking": None if self.spiking is None else self.spiking.to_dict(),
            "conversion": self.conversion(),
            "improvement": self.improvement(),
            "runs": [_run(run) for run in self.runs],
            "cpu_seconds": sum(run.cpu_seconds for run in self.runs),
        }

    def write(self, root: Path) -> None:
        """Write the summary into the folder of the run folders.

        Raises:
            OutputPathError: It cannot be written.
        """
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        write_whole(root / SUMMARY, text.encode())


def read_summary(root: Path) -> dict[str, Any]:
    """The summary in a folder of run folders.

    Raises:
        ModelFileError: There is none, or the file is something else.
    """
    path = root / SUMMARY
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("network", "spiking"):
            if summary[name] is not None:
                np.asarray(summary[name]["means"], np.float64)
        str(summary["method"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{str(path)!r} is not the summary of several seeds ({error}): give the folder of a "
            "training with --seeds"
        ) from None
    return summary


def _improvement(scores: Scores, others: Sequence[float]) -> dict[str, float | None]:
    """The probability, with its interval, as JSON values; NaN becomes None."""
    estimate = probability_of_improvement(scores.means, others)
    value, low, high = (None if np.isnan(x) else float(x) for x in estimate)
    return {"probability": value, "ci_low": low, "ci_high": high}


def _scores(runs: Sequence[SeedRun], name: str) -> Scores | None:
    found = [run.result[name] for run in runs if run.result and run.result.get(name)]
    if not found:
        return None

    def column(key: str) -> NDArray[np.float64]:
        return np.array([score[key] for score in found], np.float64)

    return Scores(
        means=column("mean_return"),
        deviations=column("std_return"),
        lowest=column("min_return"),
        episodes=int(found[0]["episodes"]),
    )


def _spikes(run: SeedRun) -> bool:
    """Whether the run trained a spiking network."""
    assert run.result is not None
    return run.result[NETWORK].get("spikes_per_decision") is not None


def _run(run: SeedRun) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "folder": str(run.folder),
        "failure": run.failure,
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "result": None if run.result is None else dict(run.result),
    }
