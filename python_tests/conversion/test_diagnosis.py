from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conversion.conversion_networks import dense_network, image_network, observations_for

from dsqn_fast.conversion import convert
from dsqn_fast.conversion.activations import weighted_activations
from dsqn_fast.conversion.diagnosis import diagnose
from dsqn_fast.conversion.figure import draw_diagnosis
from dsqn_fast.conversion.layer_diagnosis import outputs_from
from dsqn_fast.conversion.simulate import simulate
from dsqn_fast.errors import OptionError
from dsqn_fast.importers import load_ann
from dsqn_fast.model.spiking import EarlyExit


@pytest.mark.parametrize("network", [dense_network, image_network])
def test_the_rest_of_the_network_is_exact(network) -> None:  # type: ignore[no-untyped-def]
    ann = network()
    observations = observations_for(ann, 10)
    for place, activation in enumerate(weighted_activations(ann, observations)):
        outputs = outputs_from(ann, place, activation)
        np.testing.assert_allclose(outputs, ann.forward(observations), rtol=1e-5, atol=1e-6)


def test_what_it_says_is_what_the_simulation_does(tmp_path: Path) -> None:
    ann = dense_network()
    observations = observations_for(ann, 400)
    model = convert(ann, observations[:200], normalization="channel", n_steps=16)
    found = diagnose(model, observations[200:])
    actions = simulate(model, observations[200:]).actions
    wanted = ann.forward(observations[200:]).argmax(axis=1)
    assert found.agreement == float((actions == wanted).mean())
    assert found.layers[-1].agreement == found.agreement
    assert found.curve[-1].agreement == found.agreement
    lost = sum(layer.agreement_lost for layer in found.layers)
    assert lost == pytest.approx(1 - found.agreement)
    assert json.loads(found.to_json())["n_steps"] == 16
    draw_diagnosis(found, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="must end in one of"):
        draw_diagnosis(found, tmp_path / "a.txt")


def test_clipping_and_silence_are_seen() -> None:
    ann = dense_network()
    observations = observations_for(ann, 400)
    clipped = convert(ann, observations, normalization="channel", percentile=0.7, n_steps=64)
    whole = convert(ann, observations, normalization="channel", percentile=1.0, n_steps=64)
    low, none = (diagnose(model, observations).layers[0] for model in (clipped, whole))
    assert low.clipped == pytest.approx(0.3, abs=0.05)
    assert none.clipped == 0
    assert none.relative_error < low.relative_error
    silent = convert(ann, observations, normalization="model", n_steps=1, initial_potential="zero")
    assert diagnose(silent, observations).layers[-2].silent == 1.0


def test_a_small_gap_is_named(shared_data: Path) -> None:
    folder = shared_data / "thesis"
    replay = np.load(folder / "cartpole_replay.npz")["observations"]
    ann = load_ann(folder / "cartpole_dqn.npz", env_id="CartPole-v1")
    model = convert(ann, replay[:2000], normalization="channel", n_steps=32)
    found = diagnose(model, replay[2000:4000])
    assert found.gap_too_small
    assert "too small" in found.advice
    assert "distill" in found.advice
    other = load_ann(folder / "cartpole_classifier.npz", env_id="CartPole-v1")
    easy = diagnose(
        convert(other, replay[:2000], normalization="channel", n_steps=128), replay[2000:4000]
    )
    assert not easy.gap_too_small


def test_an_exit_that_loses_agreement_is_blamed_for_it() -> None:
    ann = dense_network()
    observations = observations_for(ann, 600)
    model = convert(ann, observations[:200], normalization="channel", n_steps=64)
    whole = diagnose(model, observations[200:]).agreement
    early = model.replace(early_exit=EarlyExit(kappa=1e-6, spread=1.0))
    wanted = whole - 0.01
    found = diagnose(early, observations[200:], wanted_agreement=wanted)
    assert found.agreement < wanted
    assert found.advice.startswith("Let decisions end later")
    assert f"all 64 steps give {whole:.2%}" in found.advice
    assert not found.gap_too_small
    higher = diagnose(early, observations[200:], wanted_agreement=(1 + whole) / 2)
    assert "end later" not in higher.advice


def test_a_policy_without_source_cannot_be_diagnosed() -> None:
    ann = dense_network()
    model = convert(ann, normalization="none").replace(source=None)
    with pytest.raises(OptionError, match="the model carries none"):
        diagnose(model, observations_for(ann))
