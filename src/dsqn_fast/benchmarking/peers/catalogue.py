"""The peers by name, imported one at a time."""

from __future__ import annotations

import importlib
from typing import Final, NamedTuple

from dsqn_fast.benchmarking.peers.peer import Peer
from dsqn_fast.model.options import check_choice

HERE: Final = "dsqn_fast.benchmarking.peers"
ENGINE: Final = "engine"


class PeerInfo(NamedTuple):
    """Where a peer's class is, and what pip installs for it.

    Attributes:
        module: Module in this package.
        class_name: Its class.
        packages: Requirements; () where the package's own suffice.
        apart: Whether it is installed into an environment of its own, because its
            requirements clash with others or are heavy.
    """

    module: str
    class_name: str
    packages: tuple[str, ...] = ()
    apart: bool = False


PEERS: Final[dict[str, PeerInfo]] = {
    ENGINE: PeerInfo("engine_peer", "EnginePeer"),
    "engine-fixed": PeerInfo("engine_peer", "FixedEnginePeer"),
    "numpy": PeerInfo("numpy_loop", "NumpyLoop"),
    "numpy-by-layer": PeerInfo("numpy_by_layer", "NumpyByLayer"),
    "numba": PeerInfo("numba_events", "NumbaEvents", ("numba>=0.60",)),
    "torch": PeerInfo("torch_loop", "TorchLoop", ("torch>=2.2",)),
    "torch-by-layer": PeerInfo("torch_by_layer", "TorchByLayer", ("torch>=2.2",)),
    "torch-compile": PeerInfo("torch_compiled", "TorchCompiled", ("torch>=2.2",)),
    "spikingjelly": PeerInfo("spikingjelly_peer", "SpikingJelly", ("spikingjelly>=2,<3",)),
    "snntorch": PeerInfo("snntorch_peer", "SnnTorch", ("snntorch>=1,<2",)),
    "sinabs": PeerInfo("sinabs_peer", "Sinabs", ("sinabs>=3,<4",), True),
    "norse": PeerInfo("norse_peer", "Norse", ("norse>=1.1,<2",), True),
    "bindsnet": PeerInfo("bindsnet_peer", "BindsNet", ("bindsnet>=0.3,<0.4",), True),
    "brian2": PeerInfo("brian2_peer", "Brian2Standalone", ("brian2>=2.9,<3", "numpy<2.4"), True),
    "nest": PeerInfo("nest_peer", "Nest", ("nest-simulator>=3.10,<4",), True),
    "nengo": PeerInfo("nengo_peer", "Nengo", ("nengo>=4,<5",), True),
    "relu-onnxruntime": PeerInfo(
        "relu_onnxruntime", "ReluOnnxruntime", ("onnxruntime>=1.18", "onnx>=1.16")
    ),
    "relu-torch": PeerInfo("relu_torch", "ReluTorch", ("torch>=2.2",)),
}


def make_peer(name: str) -> Peer:
    """The peer ``name``, its own packages not imported yet.

    Raises:
        OptionError: There is no such peer.
    """
    info = PEERS[check_choice("peer", name, tuple(PEERS))]
    kind = getattr(importlib.import_module(f"{HERE}.{info.module}"), info.class_name)
    peer: Peer = kind()
    return peer
