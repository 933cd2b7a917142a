"""Everything that a learner of Stable-Baselines3 is made of, as a file without objects."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv

from dsqn_fast.errors import TrainingError
from dsqn_fast.training.q_learning import QLearning
from dsqn_fast.training.replayable_environment import ReplayableEnvironment

_COUNTERS: Final = (
    "num_timesteps",
    "_n_updates",
    "_n_calls",
    "_episode_num",
    "exploration_rate",
    "_current_progress_remaining",
)
_MEMORY: Final = (
    "observations",
    "next_observations",
    "actions",
    "rewards",
    "dones",
    "timeouts",
)


def write_checkpoint(learner: QLearning, rest: Mapping[str, Any]) -> bytes:
    """The learner at this moment: networks, optimiser, replay memory, counters, random states.

    Args:
        learner: Between two visits to its environment.
        rest: What else belongs to the moment: numbers, text, tensors, lists and mappings.

    Returns:
        Bytes that `read_checkpoint` reads.
    """
    state = {
        "online": learner.q_net.state_dict(),
        "target": learner.q_net_target.state_dict(),
        "optimizer": learner.policy.optimizer.state_dict(),
        "counters": {name: getattr(learner, name) for name in _COUNTERS},
        "memory": _memory(learner),
        "random": _random_states(learner),
        "moment": _environment(learner).moment(),
        "rest": dict(rest),
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def read_checkpoint(path: Path, learner: QLearning) -> dict[str, Any]:
    """Bring a new learner to the moment of a checkpoint; returns the rest.

    Tensors and plain values are read and nothing is executed.

    Raises:
        TrainingError: The file is damaged, or of a learner with other settings.
    """
    try:
        # The file is read whole first: a memory map of it would change with the file.
        state = torch.load(io.BytesIO(path.read_bytes()), weights_only=True)
        learner.q_net.load_state_dict(state["online"])
        learner.q_net_target.load_state_dict(state["target"])
        learner.policy.optimizer.load_state_dict(state["optimizer"])
        for name in _COUNTERS:
            setattr(learner, name, state["counters"][name])
        _restore_memory(learner, state["memory"])
        observation = _environment(learner).come_back(state["moment"])
        learner._last_obs = np.asarray(observation)[np.newaxis]
        learner._last_episode_starts = np.zeros(1, bool)
        # Last, because making a learner and an environment draws random numbers.
        _restore_random_states(learner, state["random"])
        rest: dict[str, Any] = state["rest"]
    except TrainingError:
        raise
    except Exception as error:  # torch.load raises many kinds on damaged files
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{str(path)!r} is not a checkpoint of this run ({type(error).__name__}: {reason}): "
            "start the run anew in another folder"
        ) from None
    return rest


def _environment(learner: QLearning) -> ReplayableEnvironment:
    assert isinstance(learner.env, DummyVecEnv)
    env = learner.env.envs[0]
    assert isinstance(env, ReplayableEnvironment)
    return env


def _replay(learner: QLearning) -> ReplayBuffer:
    assert learner.replay_buffer is not None
    return learner.replay_buffer


def _memory(learner: QLearning) -> dict[str, Any]:
    """The part of the replay memory that is filled."""
    replay = _replay(learner)
    arrays = {name: torch.from_numpy(getattr(replay, name)[: replay.size()]) for name in _MEMORY}
    return {"arrays": arrays, "position": replay.pos, "full": replay.full}


def _restore_memory(learner: QLearning, memory: Mapping[str, Any]) -> None:
    replay = _replay(learner)
    for name in _MEMORY:
        stored = memory["arrays"][name].numpy()
        getattr(replay, name)[: len(stored)] = stored
    replay.pos, replay.full = int(memory["position"]), bool(memory["full"])


def _random_states(learner: QLearning) -> dict[str, Any]:
    kind, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002  # SB3 draws here
    return {
        "torch": torch.get_rng_state(),
        "numpy": [kind, [int(key) for key in keys], position, has_gauss, gauss],
        "python": random.getstate(),
        "actions": learner.action_space.np_random.bit_generator.state,
    }


def _restore_random_states(learner: QLearning, states: Mapping[str, Any]) -> None:
    torch.set_rng_state(states["torch"])
    kind, keys, position, has_gauss, gauss = states["numpy"]
    words = np.array(keys, np.uint32)
    np.random.set_state((kind, words, position, has_gauss, gauss))  # noqa: NPY002  # as above
    version, numbers, following = states["python"]
    random.setstate((version, tuple(numbers), following))
    learner.action_space.np_random.bit_generator.state = states["actions"]
