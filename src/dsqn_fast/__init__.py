"""Trained Q networks and policies as spiking networks: convert, simulate, verify."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsqn_fast import errors
    from dsqn_fast.agents import AnnAgent, SpikingAgent
    from dsqn_fast.conversion.convert import convert
    from dsqn_fast.deploy.export import export_policy
    from dsqn_fast.deploy.report import VerificationReport
    from dsqn_fast.deploy.verify import verify
    from dsqn_fast.engine import Engine, RunResult, active_isa, available_isas, encode_observations
    from dsqn_fast.environments import make_environment
    from dsqn_fast.evaluation import evaluate
    from dsqn_fast.evaluation_report import EvaluationReport
    from dsqn_fast.importers import load_ann, load_nir
    from dsqn_fast.model import AnnModel, Neuron, SpikingModel
    from dsqn_fast.model_io import load_policy, save_policy
    from dsqn_fast.reference import simulate_reference

    __version__: str

_HOME = {
    "AnnAgent": "agents",
    "AnnModel": "model",
    "Engine": "engine",
    "EvaluationReport": "evaluation_report",
    "Neuron": "model",
    "RunResult": "engine",
    "SpikingAgent": "agents",
    "SpikingModel": "model",
    "VerificationReport": "deploy.report",
    "active_isa": "engine",
    "available_isas": "engine",
    "convert": "conversion.convert",
    "encode_observations": "engine",
    "evaluate": "evaluation",
    "export_policy": "deploy.export",
    "load_ann": "importers",
    "load_nir": "importers",
    "load_policy": "model_io",
    "make_environment": "environments",
    "save_policy": "model_io",
    "simulate_reference": "reference",
    "verify": "deploy.verify",
}

__all__ = [
    "AnnAgent",
    "AnnModel",
    "Engine",
    "EvaluationReport",
    "Neuron",
    "RunResult",
    "SpikingAgent",
    "SpikingModel",
    "VerificationReport",
    "__version__",
    "active_isa",
    "available_isas",
    "convert",
    "encode_observations",
    "errors",
    "evaluate",
    "export_policy",
    "load_ann",
    "load_nir",
    "load_policy",
    "make_environment",
    "save_policy",
    "simulate_reference",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package stays light."""
    if name == "errors":
        return importlib.import_module("dsqn_fast.errors")
    if name == "__version__":
        return importlib.import_module("dsqn_fast.version").package_version()
    if name in _HOME:
        return getattr(importlib.import_module(f"dsqn_fast.{_HOME[name]}"), name)
    raise AttributeError(f"module 'dsqn_fast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
