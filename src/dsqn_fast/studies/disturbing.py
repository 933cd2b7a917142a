"""Cells under a disturbance of `dsqn_fast.robustness`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from dsqn_fast.environments import Environment, make_environment
from dsqn_fast.errors import OptionError
from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.robustness import DISTURBANCES, disturbances_for
from dsqn_fast.studies.cells import Cell
from dsqn_fast.studies.factors import NONE
from dsqn_fast.studies.materials import Material

Network = TypeVar("Network", AnnModel, SpikingModel)


def disturb_network(network: Network, cell: Cell) -> Network:
    """The network, changed where the cell's disturbance is one of networks.

    The same seed changes a spiking policy and its source network alike.
    """
    name = cell.settings.get("disturbance", NONE)
    change = None if name == NONE else DISTURBANCES[str(name)].change
    if change is None:
        return network
    changed: Network = change(network, float(cell.settings["level"]), cell.conversion_seed)
    return changed


def disturbed_environment(cell: Cell, material: Material) -> Callable[[], Environment] | None:
    """What makes the environment where the cell's disturbance is one of observations, else None.

    A level of 1 is, for vectors, the standard deviation of every entry over the calibration
    states; for images, the range of a pixel.

    Raises:
        OptionError: The disturbance does not fit the network's inputs.
    """
    name = cell.settings.get("disturbance", NONE)
    if name == NONE or DISTURBANCES[str(name)].wrap is None:
        return None
    from dsqn_fast.studies.conversion import calibration_states

    network = material.ann
    if network is None:
        raise OptionError(f"disturbance {name!r} needs the policy's source network")
    one = disturbances_for(network, [str(name)])[0]
    assert one.wrap is not None
    wrap, level = one.wrap, float(cell.settings["level"])
    states = calibration_states(cell, material).astype(np.float64)

    def make() -> Environment:
        env = make_environment(
            material.env_id,
            preprocessing=network.preprocessing,
            max_episode_steps=material.policy.max_episode_steps,
        )
        space: Any = env.observation_space
        limits = float(space.low.min()), float(space.high.max())
        image = len(network.input_shape) == 3
        spread = np.array(limits[1] - limits[0]) if image else states.std(axis=0)
        return wrap(env, level, spread=spread, limits=limits)

    return make
