"""The cells of a study: independent pieces of work, each with everything that it depends on."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed
from dsqn_fast.studies.cell_simulator import check_backend
from dsqn_fast.studies.factors import FACTORS
from dsqn_fast.studies.materials import Material
from dsqn_fast.studies.study import Settings, Study, Variant

TRAINING_COST = 1e6
"""Work of a training, in the units of `Cell.cost`."""
Role = Literal["source", "spiking"]


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How much is played.

    Attributes:
        episodes: Episodes per cell.
        seed: Seed of the episodes, the same for all cells: they play the same ones.
        seeds: Conversions of every network, with seeds 0, 1, ...: they differ in the
            calibration states that are gathered and in the noise of the encoding.
    """

    episodes: int = 100
    seed: int = 0
    seeds: int = 1

    def __post_init__(self) -> None:
        check_n_steps(self.episodes, "episodes")
        check_n_steps(self.seeds, "seeds")
        check_seed(self.seed)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell.

    Attributes:
        policy: Name of the policy.
        role: The spiking policy, or the source network itself.
        variant: Name of the variant; None where the study has none.
        settings: All factors.
        conversion_seed: Seed of conversion and of the encoding's noise.
        episodes: Episodes to play.
        seed: Seed of the episodes.
        files: Hashes of the policy's files, or the training that makes it.
        trains: Whether the cell trains its policy.
    """

    policy: str
    role: Role
    variant: str | None
    settings: Settings
    conversion_seed: int
    episodes: int
    seed: int
    files: tuple[str, ...]
    trains: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; ``trains`` only where it is so."""
        data = asdict(self)
        return data if self.trains else {k: v for k, v in data.items() if k != "trains"}

    @property
    def key(self) -> str:
        """Name of the cell: equal only where everything that it depends on is equal."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def cost(self) -> float:
        """Rough work, to tell the remaining time: in time steps of a decision."""
        steps = int(self.settings["n_steps"]) if self.role == "spiking" else 0
        return self.episodes * (200.0 + steps) + (TRAINING_COST if self.trains else 0.0)


def make_cells(study: Study, materials: Sequence[Material], amount: Amount) -> list[Cell]:
    """All cells of a study, those with the most work first.

    Raises:
        OptionError: Settings do not go together whatever the policy.
    """
    cells = [cell for material in materials for cell in _cells_of_policy(study, material, amount)]
    return sorted(cells, key=lambda cell: -cell.cost)


def _cells_of_policy(study: Study, material: Material, amount: Amount) -> Iterator[Cell]:
    policy = material.policy
    if study.reference and material.ann is not None and not policy.trained_spiking:
        yield Cell(
            policy=policy.name,
            role="source",
            variant=None,
            settings={},
            conversion_seed=0,
            episodes=amount.episodes,
            seed=amount.seed,
            files=material.sha256,
        )
    seen = set()
    variants: tuple[Variant | None, ...] = study.variants or (None,)
    for variant, values in itertools.product(variants, itertools.product(*study.grid.values())):
        settings = {name: factor.default for name, factor in FACTORS.items()}
        if material.model is not None:
            settings["n_steps"] = material.model.n_steps
        settings |= dict(study.fixed) | dict(zip(study.grid, values, strict=True))
        settings |= dict(variant.settings if variant is not None else {}) | dict(policy.fixed)
        check_backend(settings)
        for number in range(amount.seeds):
            cell = Cell(
                policy=policy.name,
                role="spiking",
                variant=None if variant is None else variant.name,
                settings=settings,
                conversion_seed=number,
                episodes=amount.episodes,
                seed=amount.seed,
                files=material.sha256,
                trains=material.training_seed is not None,
            )
            # A policy whose own settings fix a factor has its cells once, not for every value.
            if cell.key not in seen:
                seen.add(cell.key)
                yield cell
