from __future__ import annotations

import numpy as np
import pytest
from conversion.conversion_networks import image_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.energy import activity_of, count_ann, count_snn
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.model import AnnModel, Dense


def test_operations_of_a_network_counted_by_hand() -> None:
    weight = np.array([[1.0, -1.0], [1.0, -1.0], [0.0, 0.0]], np.float32)
    ann = AnnModel(
        layers=(
            Dense(weight=weight, bias=np.zeros(2, np.float32)),
            Dense(weight=np.ones((2, 4), np.float32), bias=np.zeros(4, np.float32)),
        ),
        input_shape=(3,),
    )
    observations = np.array([[0.5, 0.0, 1.0], [0.25, 0.25, 0.0]], np.float32)
    counted = count_ann(ann, observations)
    # Two inputs of three are not zero, one hidden neuron of two is active.
    assert counted.effective_macs == 2 * 2 + 1 * 4
    assert counted.dense_operations == 3 * 2 + 2 * 4
    assert counted.activation_sparsity == 0.5
    assert counted.footprint == 4 * (6 + 2 + 8 + 4)
    assert counted.nanojoule == pytest.approx(8 * 4.6 / 1000)
    model = convert(ann, normalization="none", initial_potential="zero", n_steps=4)
    result = simulate(model, observations)
    spiking = count_snn(model, observations, activity_of(result))
    # A current of 0.5 in 4 steps: 2 spikes, each reaching 4 outputs.
    assert spiking.effective_acs == 2 * 4
    assert spiking.effective_macs == 2 * 2
    assert spiking.membrane_updates == 4 * (2 + 4)
    assert spiking.dense_operations == 3 * 2 + 4 * 2 * 4
    assert spiking.activation_sparsity == 1 - 2 / (4 * 2)
    assert spiking.nanojoule == pytest.approx((4 * 4.6 + (8 + 24) * 0.9) / 1000)


def test_dense_operations_bound_the_effective_ones() -> None:
    ann = image_network()
    observations = observations_for(ann, 20)
    counted = count_ann(ann, observations)
    assert 0 < counted.effective_macs < counted.dense_operations
    model = convert(ann, observations, normalization="channel", n_steps=10)
    spiking = count_snn(model, observations, activity_of(simulate(model, observations)))
    assert 0 < spiking.effective_acs < spiking.dense_operations


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_bursts_stay_below_the_dense_operations(limit: int) -> None:
    ann = image_network()
    observations = observations_for(ann, 20)
    model = convert(
        ann,
        observations,
        normalization="channel",
        percentile=0.5,
        n_steps=10,
        spikes="burst",
        burst_limit=limit,
    )
    counted = count_snn(model, observations, activity_of(simulate(model, observations)))
    binary = convert(ann, observations, normalization="channel", n_steps=10)
    dense = count_snn(binary, observations, activity_of(simulate(binary, observations)))
    assert 0 < counted.effective_acs <= counted.dense_operations
    once = count_ann(ann, observations).dense_operations
    later = (dense.dense_operations - once) / 9
    assert counted.dense_operations == once - later + limit * 10 * later
    # Half the activations are clipped: full bursts exceed what one spike per step could cause.
    assert limit < 5 or counted.effective_acs > dense.dense_operations
