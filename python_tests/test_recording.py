"""Films and figures of an episode: that they show what happened, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_calls import call

from dsqn_fast.agents import SpikingAgent
from dsqn_fast.conversion import convert
from dsqn_fast.errors import MissingExtraError, OptionError
from dsqn_fast.evaluation import evaluate
from dsqn_fast.film import check_film, open_film, side_by_side
from dsqn_fast.model import AnnModel, Conv2d, Dense, Flatten, SpikingModel
from dsqn_fast.recording import RecordingOptions, record_episode
from dsqn_fast.spike_panel import spike_panel

imageio = pytest.importorskip("imageio.v2")
pytest.importorskip("ale_py")


@pytest.fixture(scope="module")
def policy() -> SpikingModel:
    """A random convolutional policy for Breakout."""
    rng = np.random.default_rng(0)
    layers = (
        Conv2d(weight=_random(rng, 8, 8, 4, 4), bias=np.zeros(4, np.float32), stride=(8, 8)),
        Flatten(),
        Dense(weight=_random(rng, 400, 4), bias=np.zeros(4, np.float32)),
    )
    ann = AnnModel(
        layers=layers,
        input_shape=(84, 84, 4),
        channels_first=True,
        env_id="ALE/Breakout-v5",
        preprocessing={"name": "mnih", "unit": True},
    )
    seen = rng.random((20, 4, 84, 84), dtype=np.float32)
    return convert(ann, seen, normalization="channel", n_steps=8)


def _random(rng: np.random.Generator, *shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


# imageio's reader of films, which only tests use, leaves the pipes of its process open.
READS_FILMS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@READS_FILMS
@pytest.mark.parametrize("name", ["game.gif", "game.mp4"])
def test_a_film_shows_the_game_and_the_spikes(
    policy: SpikingModel, tmp_path: Path, name: str
) -> None:
    options = RecordingOptions(most_decisions=6, seed=3)
    recording = record_episode(SpikingAgent(policy), film=tmp_path / name, options=options)
    assert (recording.decisions, recording.ended) == (6, False)
    with imageio.get_reader(tmp_path / name) as reader:
        pictures = [reader.get_data(index) for index in range(6)]
        n_pictures = reader.count_frames() if name.endswith("mp4") else len(reader)
    assert n_pictures == 6
    first = np.asarray(pictures[0])[..., :3].astype(int)
    assert first.shape == (432, 752, 3)
    # The bricks' red on the left, the spikes' blue on the right, the chosen output's orange below.
    assert np.abs(first[120, 100] - (200, 72, 72)).max() < 40
    panel = first[:360, 330:730].reshape(-1, 3)
    assert (panel[:, 2] > panel[:, 0] + 30).mean() > 0.01
    assert (np.abs(first[370:420, 330:730] - (230, 159, 0)).max(-1) < 50).any()
    assert [file.name for file in tmp_path.iterdir()] == [name]


@READS_FILMS
def test_an_atari_game_runs_in_real_time(policy: SpikingModel, tmp_path: Path) -> None:
    options = RecordingOptions(most_decisions=3)
    record_episode(SpikingAgent(policy), film=tmp_path / "a.mp4", options=options)
    with imageio.get_reader(tmp_path / "a.mp4") as reader:
        assert reader.get_meta_data()["fps"] == 15


def test_the_recorded_episode_is_the_first_that_is_evaluated(policy: SpikingModel) -> None:
    agent = SpikingAgent(policy)
    report = evaluate(agent, episodes=1, seed=5, epsilon=0.3)
    options = RecordingOptions(seed=5, epsilon=0.3, most_decisions=10_000)
    recording = record_episode(agent, options=options)
    assert recording.ended
    assert recording.decisions == report.lengths[0]
    assert recording.episode_return == report.returns[0]


def test_run_draws_one_decision(
    policy: SpikingModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    policy.save(tmp_path / "policy.npz")
    call(
        capsys, "run", tmp_path / "policy.npz", "--episodes", 1, "--frame", tmp_path / "f.png",
        "--frame-at", 2, "--record-decisions", 4, "--max-episode-steps", 5,
    )  # fmt: skip
    picture = imageio.imread(tmp_path / "f.png")
    assert picture.shape[0] > 500
    # A figure, not an empty page.
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50


def test_a_film_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"older")
    with pytest.raises(ZeroDivisionError), open_film(tmp_path / "a.gif", frames_per_second=5):
        raise ZeroDivisionError
    assert (tmp_path / "a.gif").read_bytes() == b"older"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_recorded_is_refused(
    policy: SpikingModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OptionError, match=r"must end in \.mp4 or \.gif, not 'a.avi'"):
        check_film(tmp_path / "a.avi")
    with pytest.raises(OptionError, match=r"\.png, \.pdf or \.svg, not 'a.bmp'"):
        record_episode(SpikingAgent(policy), still=tmp_path / "a.bmp")
    with pytest.raises(OptionError, match="still_at must be from 0 to 10000, not -1"):
        RecordingOptions(still_at=-1)
    long = SpikingAgent(policy, n_steps=20_000)
    with pytest.raises(OptionError, match="at most 10000 n_steps, not 20000"):
        record_episode(long, film=tmp_path / "a.gif")
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dsqn-fast\[film\]"'):
        check_film(tmp_path / "a.gif")


def test_a_panel_marks_the_neuron_and_the_step() -> None:
    spikes = np.zeros((4, 2), np.int8)
    spikes[1, 0], spikes[2, 1] = 1, -1
    silent = np.zeros((4, 3), np.int8)
    outputs = np.array([0.0, 1.0])
    panel = spike_panel({0: spikes, 1: silent}, outputs, height=96, width=40).astype(int)
    raster = panel[: 96 - 12 - 8]
    top, bottom = raster[: len(raster) // 2 - 2], raster[len(raster) // 2 + 2 :]
    assert (top[:, 10:20, 2] > 150).all()
    assert (top[:, 20:, 2] < 50).all()
    assert (bottom[:, 20:30, 0] > 150).all()
    bars = panel[-12:]
    assert (bars[6:11, :40, 0] > 200).all(), "the chosen output has the longest bar"
    assert (bars[:5, 3:].sum() == 0).all()


def test_pictures_side_by_side_have_whole_blocks() -> None:
    left, right = np.full((20, 30, 3), 7, np.uint8), np.full((20, 10, 3), 9, np.uint8)
    both = side_by_side(left, right)
    assert both.shape == (32, 48, 3)
    assert (both[:20, :30] == 7).all()
    assert (both[:20, 30:40] == 9).all()
    assert both[20:].sum() == both[:, 40:].sum() == 0
