"""Descriptions of source networks and spiking networks: frozen dataclasses, NumPy only."""

from dsqn_fast.model.ann import AnnModel
from dsqn_fast.model.layers import AveragePool2d, Connection, Conv2d, Dense, Flatten
from dsqn_fast.model.options import (
    DECODINGS,
    ENCODINGS,
    MAX_STEPS,
    PRECISIONS,
    RESETS,
    SPIKE_MODES,
    TIMINGS,
    Decoding,
    Encoding,
    Neuron,
    Precision,
    Reset,
    SpikeMode,
    Timing,
)
from dsqn_fast.model.spiking import EarlyExit, SpikingLayer, SpikingModel

__all__ = [
    "DECODINGS",
    "ENCODINGS",
    "MAX_STEPS",
    "PRECISIONS",
    "RESETS",
    "SPIKE_MODES",
    "TIMINGS",
    "AnnModel",
    "AveragePool2d",
    "Connection",
    "Conv2d",
    "Decoding",
    "Dense",
    "EarlyExit",
    "Encoding",
    "Flatten",
    "Neuron",
    "Precision",
    "Reset",
    "SpikeMode",
    "SpikingLayer",
    "SpikingModel",
    "Timing",
]
