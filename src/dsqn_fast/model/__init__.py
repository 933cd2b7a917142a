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
    WEIGHTS_DTYPES,
    Decoding,
    EarlyExit,
    Encoding,
    Neuron,
    Precision,
    Reset,
    SpikeMode,
    Timing,
    WeightsDtype,
)
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.model.spiking_layer import SpikingLayer

__all__ = [
    "DECODINGS",
    "ENCODINGS",
    "MAX_STEPS",
    "PRECISIONS",
    "RESETS",
    "SPIKE_MODES",
    "TIMINGS",
    "WEIGHTS_DTYPES",
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
    "WeightsDtype",
]
