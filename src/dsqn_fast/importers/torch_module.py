"""A torch module, traced by torch.fx, as a chain of operations."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from dsqn_fast.errors import UnsupportedLayerError
from dsqn_fast.importers.operations import Operation, SourceNetwork
from dsqn_fast.importers.torch_call import Call
from dsqn_fast.importers.torch_functions import call_operations
from dsqn_fast.importers.torch_layers import layer_operations


def read_module(module: nn.Module) -> SourceNetwork:
    """Read the forward pass of a module as it is in evaluation mode.

    Args:
        module: Layers and functions in one chain, from one input to one output; it stays as
            it is.

    Raises:
        UnsupportedLayerError: The forward pass branches, depends on its input's values, or has
            a layer or function that cannot be converted.
    """
    module = copy.deepcopy(module).eval()
    kind = type(module).__name__
    operations = chain_operations(module, kind)
    return SourceNetwork(
        operations=tuple(operations),
        provenance={"format": "torch module", "class": kind, "torch": torch.__version__},
    )


def chain_operations(module: nn.Module, kind: str) -> list[Operation]:
    """The operations of a module's forward pass, as `read_module` reads them.

    Args:
        module: The module, which is in evaluation mode or has no layer that knows two modes.
        kind: What it is called in messages.

    Raises:
        UnsupportedLayerError: As `read_module`.
    """
    if fx.Tracer().is_leaf_module(module, "") and not isinstance(module, nn.Sequential):
        return layer_operations(module, "")
    try:
        graph = fx.symbolic_trace(module).graph
    except Exception as error:  # whatever a forward pass may raise when given no real values
        reason = " ".join(str(error).split())[:160]
        raise UnsupportedLayerError(
            f"the forward pass of {kind} cannot be traced ({reason}): give its nn.Sequential "
            "part or an ONNX file"
        ) from None
    graph.eliminate_dead_code()
    return _Chain(module, kind).read(graph)


class _Chain:
    """Follows the one value that runs through a traced graph."""

    def __init__(self, module: nn.Module, kind: str) -> None:
        self._module = module
        self._kind = kind
        self._current: fx.Node | None = None
        self._sizes: set[fx.Node] = set()
        self._operations: list[Operation] = []

    def read(self, graph: fx.Graph) -> list[Operation]:
        for node in graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node)
            elif node.op == "output":
                self._output(node)
            elif node.op != "get_attr" and not self._is_size(node):
                self._step(node)
        return self._operations

    def _placeholder(self, node: fx.Node) -> None:
        if self._current is None:
            self._current = node
        elif node.users:
            raise UnsupportedLayerError(
                f"{self._kind} takes a second input {node.name!r}: only one input, the "
                "observation, can be converted"
            )

    def _output(self, node: fx.Node) -> None:
        if node.args[0] is not self._current:
            raise UnsupportedLayerError(
                f"{self._kind} returns {node.args[0]}, not one value at the end of a chain: give "
                "a module that returns only the Q-values or logits"
            )

    def _is_size(self, node: fx.Node) -> bool:
        """Sizes of the value (x.size(0), x.shape[0]) are no values themselves."""
        reads_size = (node.op == "call_method" and node.target in ("size", "dim")) or (
            node.op == "call_function"
            and node.target is getattr
            and node.args[1] in ("shape", "device", "dtype", "ndim")
        )
        inputs = node.all_input_nodes
        if reads_size or (inputs and all(each in self._sizes for each in inputs)):
            self._sizes.add(node)
            return True
        return False

    def _step(self, node: fx.Node) -> None:
        inputs = [
            each
            for each in node.all_input_nodes
            if each.op != "get_attr" and each not in self._sizes
        ]
        if inputs != [self._current]:
            raise UnsupportedLayerError(
                f"{node.name} in {self._kind} takes {[each.name for each in inputs]}: branches "
                "(dueling heads, skip connections) cannot be converted, only one chain of layers"
            )
        if node.op == "call_module":
            layer = self._module.get_submodule(str(node.target))
            self._operations += layer_operations(layer, str(node.target))
        else:
            self._operations += call_operations(self._call(node))
        self._current = node

    def _call(self, node: fx.Node) -> Call:
        def known(value: Any) -> Any:
            if isinstance(value, fx.Node) and value.op == "get_attr":
                return self._constant(str(value.target))
            if isinstance(value, fx.Node) and value in self._sizes:
                return Call.SIZE
            if isinstance(value, torch.Tensor):
                return np.asarray(value.detach().cpu())
            if isinstance(value, tuple | list):
                return type(value)(known(each) for each in value)
            return Call.VALUE if value is self._current else value

        target = node.target
        name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
        return Call(
            title=f"{node.name} ({name})",
            function=name.rstrip("_"),
            arguments=tuple(known(value) for value in node.args),
            keywords={key: known(value) for key, value in node.kwargs.items()},
        )

    def _constant(self, target: str) -> Any:
        value: Any = self._module
        for part in target.split("."):
            value = getattr(value, part)
        if isinstance(value, torch.Tensor):
            return np.asarray(value.detach().cpu())
        return value
