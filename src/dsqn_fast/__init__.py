"""Trained Q networks and policies as spiking networks: convert, simulate, verify."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsqn_fast import errors
    from dsqn_fast.engine import Engine, RunResult, active_isa, available_isas, encode_observations
    from dsqn_fast.model import AnnModel, Neuron, SpikingModel
    from dsqn_fast.model_io import load_policy, save_policy
    from dsqn_fast.reference import simulate_reference

_HOME = {
    "AnnModel": "model",
    "Engine": "engine",
    "Neuron": "model",
    "RunResult": "engine",
    "SpikingModel": "model",
    "active_isa": "engine",
    "available_isas": "engine",
    "encode_observations": "engine",
    "load_policy": "model_io",
    "save_policy": "model_io",
    "simulate_reference": "reference",
}

__all__ = [
    "AnnModel",
    "Engine",
    "Neuron",
    "RunResult",
    "SpikingModel",
    "active_isa",
    "available_isas",
    "encode_observations",
    "errors",
    "load_policy",
    "save_policy",
    "simulate_reference",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays light."""
    if name == "errors":
        return importlib.import_module("dsqn_fast.errors")
    if name in _HOME:
        return getattr(importlib.import_module(f"dsqn_fast.{_HOME[name]}"), name)
    raise AttributeError(f"module 'dsqn_fast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
