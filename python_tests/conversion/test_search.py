from __future__ import annotations

import numpy as np
import optuna
from conversion.conversion_networks import dense_network, observations_for

from dsqn_fast.conversion import SearchOptions, convert
from dsqn_fast.conversion.simulate import simulate


def test_search_is_never_worse_than_channel_and_repeats_itself() -> None:
    ann = dense_network()
    observations = observations_for(ann, 400)
    wanted = ann.forward(observations).argmax(axis=1)
    said: list[str] = []

    def build(rule: str, progress: object = None) -> object:
        return convert(
            ann,
            observations,
            normalization=rule,  # type: ignore[arg-type]
            n_steps=6,
            search=SearchOptions(trials=15),
            seed=3,
            progress=progress,  # type: ignore[arg-type]
        )

    before = optuna.logging.get_verbosity()
    channel, found, again = build("channel"), build("search", said.append), build("search")
    share = [(simulate(m, observations).actions == wanted).mean() for m in (channel, found)]  # type: ignore[arg-type]
    assert share[1] >= share[0]
    assert optuna.logging.get_verbosity() == before
    for one, other in zip(found.populations, again.populations, strict=True):  # type: ignore[attr-defined]
        np.testing.assert_array_equal(one.connection.weight, other.connection.weight)
    assert sum("of 15 trials" in words for words in said) == 15
