"""Networks that are taught actions: fine-tuned for few steps, or distilled from any teacher."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dsqn_fast.agents import AnnAgent
from dsqn_fast.conversion.gather import greedy, play
from dsqn_fast.errors import ObservationError, OptionError, TrainingError, UnsupportedError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.importers import load_ann, load_teacher
from dsqn_fast.model import AnnModel, AveragePool2d, Conv2d, Dense, Flatten
from dsqn_fast.training.distill import DistillOptions, distill
from dsqn_fast.training.input_scaling import InputScaling
from dsqn_fast.training.qcfs import finetune_qcfs
from dsqn_fast.training.quantised_network import quantised_agreement

torch = pytest.importorskip("torch")

from dsqn_fast.training.imitation import ImitationOptions, Lessons, imitate  # noqa: E402
from dsqn_fast.training.trainable_network import TrainableNetwork  # noqa: E402

QUICK = ImitationOptions(epochs=8)


def dense_network(sizes: tuple[int, ...], seed: int = 0) -> AnnModel:
    rng = np.random.default_rng(seed)
    layers = tuple(
        Dense(
            weight=rng.normal(size=(a, b)).astype(np.float32),
            bias=rng.normal(size=b).astype(np.float32),
        )
        for a, b in itertools.pairwise(sizes)
    )
    return AnnModel(layers=layers, input_shape=(sizes[0],))


def image_network(seed: int = 0) -> AnnModel:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(size=shape).astype(np.float32)

    return AnnModel(
        layers=(
            Conv2d(weight=normal(3, 3, 2, 4), bias=normal(4), stride=(2, 1), padding=(1, 0)),
            AveragePool2d(kernel=(2, 2), stride=(2, 2)),
            Flatten(),
            Dense(weight=normal(16, 3), bias=normal(3)),
        ),
        input_shape=(8, 6, 2),
        channels_first=True,
    )


@pytest.fixture(scope="module")
def thesis(shared_data: Path) -> AnnModel:
    return load_ann(shared_data / "thesis" / "cartpole_dqn.npz", env_id="CartPole-v1")


@pytest.fixture(scope="module")
def visited(thesis: AnnModel) -> NDArray[np.float32]:
    played = play(
        greedy(thesis), thesis, "CartPole-v1", max_observations=4000, epsilon=0.05, seed=0
    )
    return played.observations


@pytest.mark.parametrize("images", [False, True])
def test_a_trainable_network_computes_the_same(images: bool) -> None:
    ann = image_network() if images else dense_network((5, 7, 3))
    shape = (2, 8, 6) if images else (5,)
    observations = np.random.default_rng(1).normal(size=(9, *shape)).astype(np.float32)
    network = TrainableNetwork(ann)
    inputs = observations.transpose(0, 2, 3, 1).copy() if images else observations
    outputs, hidden = network(torch.from_numpy(inputs))
    np.testing.assert_allclose(
        outputs.detach().numpy(), ann.forward(observations), rtol=1e-4, atol=1e-4
    )
    assert len(hidden) == 1
    np.testing.assert_array_equal(network.to_ann().forward(observations), ann.forward(observations))


def test_scaling_is_folded_in_and_out_again() -> None:
    ann = dense_network((4, 6, 2))
    observations = np.random.default_rng(2).normal(3.0, [1, 5, 0.1, 0], size=(200, 4))
    scaling = InputScaling.of(observations)
    assert scaling.scale[3] == 1.0
    scaled = scaling.apply(observations)
    np.testing.assert_allclose(scaled[:, :3].std(axis=0), 1.0, rtol=1e-4)
    np.testing.assert_allclose(
        scaling.unfold(ann).forward(scaled), ann.forward(observations), rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(
        scaling.fold(scaling.unfold(ann)).forward(observations),
        ann.forward(observations),
        rtol=1e-3,
        atol=1e-3,
    )


def test_validation_has_whole_episodes() -> None:
    episode = np.repeat(np.arange(10), 10)
    lessons = Lessons.share_out(np.zeros((100, 2)), np.zeros(100, np.int64), 0.15, episode)
    assert lessons.n_training == 80
    one_episode = Lessons.share_out(np.zeros((100, 2)), np.zeros(100, np.int64), 0.15)
    assert one_episode.n_training == 85


def test_fine_tuning_keeps_actions_when_rounded(
    thesis: AnnModel, visited: NDArray[np.float32]
) -> None:
    fresh = play(greedy(thesis), thesis, "CartPole-v1", max_observations=2000, seed=9).observations
    tuned = finetune_qcfs(thesis, visited, n_steps=16, seed=0, options=QUICK)
    assert tuned.after > tuned.before + 0.05
    assert tuned.ann.provenance["fine_tuned"]["n_steps"] == 16
    assert tuned.ann.env_id == "CartPole-v1"
    rounded_source = quantised_agreement(thesis, fresh, levels=16)
    wanted = thesis.forward(fresh).argmax(axis=1)
    from dsqn_fast.training.quantised_network import quantised_outputs

    rounded = quantised_outputs(tuned.ann, fresh, levels=16).argmax(axis=1)
    assert (rounded == wanted).mean() > rounded_source + 0.05


def test_fine_tuning_repeats_itself(thesis: AnnModel, visited: NDArray[np.float32]) -> None:
    one, two, other = (
        finetune_qcfs(
            thesis, visited[:500], n_steps=8, seed=seed, options=ImitationOptions(epochs=2)
        )
        for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.ann.forward(visited), two.ann.forward(visited))
    assert not np.array_equal(one.ann.forward(visited), other.ann.forward(visited))


def test_fine_tuning_takes_images() -> None:
    ann = image_network()
    observations = np.random.default_rng(3).normal(size=(3000, 2, 8, 6)).astype(np.float32)
    readout = ann.layers[-1]
    assert isinstance(readout, Dense)
    # Actions are to differ from state to state.
    balanced = replace(readout, bias=readout.bias - ann.forward(observations).mean(axis=0))
    ann = replace(ann, layers=(*ann.layers[:-1], balanced))
    tuned = finetune_qcfs(ann, observations, n_steps=3, options=ImitationOptions(epochs=10))
    assert tuned.after > tuned.before
    assert tuned.ann.channels_first


def test_the_start_is_kept_where_nothing_is_better() -> None:
    ann = dense_network((3, 5, 2))
    observations = np.random.default_rng(4).normal(size=(200, 3)).astype(np.float32)
    lessons = Lessons.share_out(observations, ann.forward(observations).argmax(axis=1), 0.2)
    result = imitate(ann, lessons, options=ImitationOptions(epochs=2, learning_rate=0.5))
    assert (result.accuracy, result.epoch) == (1.0, 0)
    np.testing.assert_allclose(
        result.ann.forward(observations), ann.forward(observations), rtol=1e-4, atol=1e-4
    )


def test_a_loss_that_is_not_finite_is_refused() -> None:
    ann = dense_network((3, 5, 2))
    observations = np.random.default_rng(4).normal(size=(200, 3)).astype(np.float32)
    lessons = Lessons.share_out(observations, np.zeros(200, np.int64), 0.2)
    with pytest.raises(TrainingError, match="the loss became"):
        imitate(ann, lessons, options=QUICK, sharpness=1e38)


def test_too_few_states_are_refused() -> None:
    with pytest.raises(ObservationError, match="3 observations are too few"):
        finetune_qcfs(dense_network((4, 3, 2)), np.zeros((3, 4), np.float32), n_steps=8)


@pytest.mark.parametrize("n_steps", [0, -1, 2.5])
def test_bad_steps_are_refused(n_steps: int) -> None:
    with pytest.raises(OptionError, match="n_steps"):
        finetune_qcfs(dense_network((4, 3, 2)), np.zeros((30, 4), np.float32), n_steps=n_steps)


@pytest.mark.parametrize(
    "values",
    [{"epochs": 0}, {"batch_size": 2.5}, {"learning_rate": 0.0}, {"validation_share": 1.0}],
)
def test_bad_imitation_options_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(OptionError, match=next(iter(values))):
        ImitationOptions(**values)


def test_a_tanh_policy_is_distilled(shared_data: Path) -> None:
    teacher = load_teacher(shared_data / "zoo" / "ppo-CartPole-v1.zip", env_id="CartPole-v1")
    options = DistillOptions(observations=8000, rounds=1, round_observations=4000)
    result = distill(
        teacher, hidden=(32,), seed=1, options=options, imitation=ImitationOptions(epochs=20)
    )
    assert result.states == 12000
    assert len(result.rounds) == 2
    assert result.accuracy > 0.85
    assert evaluate(AnnAgent(result.ann), "CartPole-v1", episodes=10, seed=3).mean > 475
    assert result.ann.provenance["distilled"]["options"]["rounds"] == 1


def test_distilling_repeats_itself(thesis: AnnModel) -> None:
    options = DistillOptions(observations=500, rounds=1, round_observations=200)
    one, two, other = (
        distill(
            thesis,
            hidden=(8,),
            seed=seed,
            options=options,
            imitation=ImitationOptions(epochs=2),
        ).ann.forward(np.eye(4))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_observations_are_enough_without_an_environment(visited: NDArray[np.float32]) -> None:
    teacher = dense_network((4, 12, 3), seed=5)
    result = distill(teacher, visited, hidden=(16,), imitation=QUICK)
    assert result.states == len(visited)
    assert len(result.rounds) == 1
    assert result.accuracy > 0.8


def test_a_teacher_without_states_is_refused() -> None:
    with pytest.raises(OptionError, match="needs an environment"):
        distill(dense_network((4, 3, 2)))


def test_images_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="images"):
        distill(image_network(), env_id="CartPole-v1")


@pytest.mark.parametrize(
    "values", [{"observations": 0}, {"epsilon": 1.5}, {"rounds": -1}, {"n_steps": 0}]
)
def test_bad_distill_options_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(OptionError, match=next(iter(values))):
        DistillOptions(**values)
