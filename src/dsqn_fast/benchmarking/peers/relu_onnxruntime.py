"""The source network itself in onnxruntime: what a decision costs without spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dsqn_fast.benchmarking.peers.folded import PlainLayer, plain_layers
from dsqn_fast.benchmarking.peers.peer import Floats, Peer
from dsqn_fast.benchmarking.peers.relu_torch import as_spiking
from dsqn_fast.benchmarking.peers.torch_layers import channels_first_rows
from dsqn_fast.errors import UnsupportedError
from dsqn_fast.model.spiking import SpikingModel

OPSET = 17


class ReluOnnxruntime(Peer):
    """One `InferenceSession.run`, one thread."""

    title = "ReLU network, onnxruntime"
    distribution = "onnxruntime"
    modules = ("onnxruntime", "onnx")
    is_relu = True

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Write the network as ONNX and open a session."""
        import onnxruntime

        if model.source is None:
            raise UnsupportedError("the model does not carry the ReLU network that it comes from")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        source = _onnx_model(plain_layers(as_spiking(model.source)))
        self._session = onnxruntime.InferenceSession(
            source, options, providers=["CPUExecutionProvider"]
        )

    def decide(self, observations: Floats) -> Floats:
        """Outputs of the ReLU network."""
        if observations.ndim == 4:
            observations = np.ascontiguousarray(observations.transpose(0, 3, 1, 2))
        outputs: Floats = self._session.run(None, {"x": observations})[0]
        return outputs


def _onnx_model(layers: list[PlainLayer]) -> bytes:
    """Conv, Flatten, Gemm and Relu nodes in a row, images channels first."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    initializers: list[Any] = []
    name = "x"
    for index, layer in enumerate(layers):
        weight = channels_first_rows(layer) if layer.is_dense else layer.weight
        if not layer.is_dense:
            weight = weight.transpose(3, 2, 0, 1)
        for kind, array in (("w", weight), ("b", layer.bias)):
            plain = np.ascontiguousarray(array)
            initializers.append(numpy_helper.from_array(plain, f"{kind}{index}"))
        if layer.flattens:
            nodes.append(helper.make_node("Flatten", [name], [f"flat{index}"]))
            name = f"flat{index}"
        inputs, output = [name, f"w{index}", f"b{index}"], [f"sum{index}"]
        nodes.append(_product(layer, inputs, output))
        name = f"sum{index}"
        if index < len(layers) - 1:
            nodes.append(helper.make_node("Relu", [name], [f"relu{index}"]))
            name = f"relu{index}"
    shape = layers[0].input_shape
    arrives = (shape[2], *shape[:2]) if len(shape) == 3 else shape
    graph = helper.make_graph(
        nodes,
        "relu",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *arrives])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        initializers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    serialized: bytes = made.SerializeToString()
    return serialized


def _product(layer: PlainLayer, inputs: list[str], output: list[str]) -> Any:
    from onnx import helper

    if layer.is_dense:
        return helper.make_node("Gemm", inputs, output)
    pads = [*layer.padding, *layer.padding]
    return helper.make_node("Conv", inputs, output, strides=list(layer.stride), pads=pads)
