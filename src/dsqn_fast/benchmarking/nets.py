"""The networks that are timed, each with observations for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.benchmarking.seeded_nets import (
    random_frames,
    random_mlp,
    random_nature_cnn,
    with_density,
)
from dsqn_fast.conversion.convert import convert
from dsqn_fast.importers import load_ann
from dsqn_fast.model.options import check_choice
from dsqn_fast.model.spiking import SpikingModel

Floats = NDArray[np.float32]
CALIBRATION: Final = 2000
ROWS: Final = 64
SPARSE: Final = 0.05
CNN_DENSITY: Final = 0.11


@dataclass(frozen=True)
class NetInfo:
    """A network by name.

    Attributes:
        title: How tables and pictures call it.
        widths: Neurons per layer; () for the convolutional one.
        trained: File of the trained network and of observations that it visited.
        density: Density of spikes of a seeded network, as the trained one has; None leaves it.
        batches: Batch sizes that are timed where none are asked for.
    """

    title: str
    widths: tuple[int, ...]
    trained: tuple[str, str] | None = None
    density: float | None = None
    batches: tuple[int, ...] = (1, 64)


NETS: Final[dict[str, NetInfo]] = {
    "cartpole": NetInfo(
        "[4,16,16,2]", (4, 16, 16, 2), ("cartpole_dqn.npz", "cartpole_replay.npz"), 0.15
    ),
    "mountaincar": NetInfo(
        "[2,64,64,3]", (2, 64, 64, 3), ("mountaincar_dqn.npz", "mountaincar_replay.npz"), 0.06
    ),
    "sparse": NetInfo("[6400,1000,4]", (6400, 1000, 4)),
    "nature-cnn": NetInfo("Nature CNN", (), density=CNN_DENSITY, batches=(1, 16)),
}


def title_of(net: str) -> str:
    """How tables and pictures call a network: its own title, or the name of its file."""
    return NETS[net].title if net in NETS else Path(net).name


@dataclass(frozen=True)
class BenchmarkNet:
    """A converted network and observations for it.

    Attributes:
        name: Its key in `NETS`, or the path of a policy.
        model: The spiking network, with its source inside.
        observations: (B, *shape) float32.
        origin: ``"trained"``, ``"seeded"`` or ``"policy"``.
    """

    name: str
    model: SpikingModel
    observations: Floats
    origin: str


def trained_networks_folder() -> Path:
    """Where trained networks lie beside a source checkout: ``../shared/data/thesis``."""
    return Path(__file__).resolve().parents[4] / "shared" / "data" / "thesis"


def load_net(name: str, *, folder: Path | None = None, seed: int = 0) -> BenchmarkNet:
    """The network ``name``: trained where its files are in ``folder``, else from a seed.

    Args:
        name: A key of `NETS`.
        folder: Folder of trained networks; None for `trained_networks_folder`.
        seed: Seed of weights and observations of networks that are not trained.

    Raises:
        OptionError: There is no such network.
    """
    info = NETS[check_choice("net", name, tuple(NETS))]
    rng = np.random.default_rng(seed)
    if name == "nature-cnn":
        return _nature_cnn(name, rng)
    if name == "sparse":
        return _sparse(name, info, rng)
    return _small(name, info, trained_networks_folder() if folder is None else folder, rng)


def _small(name: str, info: NetInfo, folder: Path, rng: np.random.Generator) -> BenchmarkNet:
    assert info.trained is not None
    network, replay = (folder / file for file in info.trained)
    trained = network.is_file() and replay.is_file()
    if trained:
        ann = load_ann(network)
        with np.load(replay, allow_pickle=False) as file:
            seen: Floats = file["observations"].astype(np.float32)
    else:
        ann = random_mlp(info.widths, rng)
        seen = rng.uniform(-1, 1, (2 * CALIBRATION, info.widths[0])).astype(np.float32)
    model = convert(ann, seen[:CALIBRATION], normalization="robust", n_steps=100)
    if not trained and info.density is not None:
        model = with_density(model, seen[:256], info.density)
    others = seen[CALIBRATION:]
    spaced = np.ascontiguousarray(others[:: max(1, len(others) // ROWS)][:ROWS])
    return BenchmarkNet(name, model, spaced, "trained" if trained else "seeded")


def _sparse(name: str, info: NetInfo, rng: np.random.Generator) -> BenchmarkNet:
    ann = random_mlp(info.widths, rng)
    on = rng.uniform(0, 1, (256, info.widths[0])) < SPARSE
    observations = on.astype(np.float32)
    model = convert(ann, observations, normalization="robust", n_steps=100)
    return BenchmarkNet(name, model, observations[:ROWS], "seeded")


def _nature_cnn(name: str, rng: np.random.Generator) -> BenchmarkNet:
    ann, frames = random_nature_cnn(4, rng), random_frames(ROWS, rng)
    model = convert(ann, frames[:16], normalization="robust", n_steps=100)
    model = with_density(model, frames[:4], CNN_DENSITY)
    return BenchmarkNet(name, model, frames, "seeded")
