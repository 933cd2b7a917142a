"""A header and its arrays as a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.errors import ModelError, ModelFileError, OptionError
from dsqn_fast.model import AnnModel, EarlyExit, Neuron, SpikingLayer, SpikingModel
from dsqn_fast.model.checks import shown
from dsqn_fast.model_io.layout import (
    ANN_FIELDS,
    BYTES_VERSION,
    CONNECTION_ARRAYS,
    EARLY_EXIT_FIELDS,
    FORMAT,
    HEADER_KEYS,
    KINDS,
    MODEL_FIELDS,
    NEURON_ARRAYS,
    NEURON_FIELDS,
    VERSION,
    WEIGHTED,
)
from dsqn_fast.model_io.plan import LayerPlan, check_keys, plan_layers
from dsqn_fast.model_io.values import weights_from_source

Arrays = Mapping[str, NDArray[np.floating]]


class HeaderPlan:
    """What a header promises: all of the model but the values of its arrays.

    Attributes:
        version: Of the format.
        layers: The spiking layers.
        source_layers: The layers of the source network; empty without one.
    """

    def __init__(self, header: dict[str, Any]) -> None:
        """Check the header's version and structure; values are checked by `build`.

        Raises:
            ModelFileError: It is of another version, or keys are missing or unknown.
        """
        self.version = _check_version(header)
        self._header = check_keys("its header", header, HEADER_KEYS)
        check_keys("neuron", header["neuron"], NEURON_FIELDS)
        self.layers = plan_layers(
            "layers", header["layers"], prefix="layer", spiking=True, version=self.version
        )
        self.source_layers: list[LayerPlan] = []
        if header["early_exit"] is not None:
            check_keys("early_exit", header["early_exit"], EARLY_EXIT_FIELDS)
        if header["source"] is not None:
            source = check_keys("source", header["source"], (*ANN_FIELDS, "layers"))
            self.source_layers = plan_layers(
                "source layers",
                source["layers"],
                prefix="source.layer",
                spiking=False,
                version=self.version,
            )

    def build(self, arrays: Arrays) -> SpikingModel:
        """Return the model with these arrays.

        Raises:
            ModelFileError: The values describe no model; the message is the model's own.
        """
        header = self._header
        early = header["early_exit"]
        try:
            source = None if header["source"] is None else self._build_source(arrays)
            arrays = {**arrays, **weights_from_source(self.layers, source, arrays)}
            return SpikingModel(
                layers=tuple(_build_layer(plan, arrays, spiking=True) for plan in self.layers),
                neuron=Neuron(**header["neuron"]),
                early_exit=None if early is None else EarlyExit(**early),
                source=source,
                **{name: header[name] for name in MODEL_FIELDS},
            )
        except (ModelError, OptionError) as error:
            raise ModelFileError(str(error)) from None

    def _build_source(self, arrays: Arrays) -> AnnModel:
        source = self._header["source"]
        try:
            return AnnModel(
                layers=tuple(_build_layer(p, arrays, spiking=False) for p in self.source_layers),
                **{name: source[name] for name in ANN_FIELDS},
            )
        except ModelError as error:
            raise ModelError(f"source: {error}") from None


def _check_version(header: dict[str, Any]) -> int:
    if header.get("format") != FORMAT:
        raise ModelFileError(f"its format must be {FORMAT!r}, not {shown(header.get('format'))}")
    version = header.get("version")
    if type(version) is not int or not VERSION <= version <= BYTES_VERSION:
        raise ModelFileError(
            f"it has format version {shown(version)}, but this dsqn-fast reads versions {VERSION} "
            f"to {BYTES_VERSION}: install the dsqn-fast that wrote it, or a newer one"
        )
    return version


def _build_layer(plan: LayerPlan, arrays: Arrays, *, spiking: bool) -> Any:
    def chosen(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: arrays[f"{plan.name}.{name}"] for name in names}

    try:
        if plan.kind not in WEIGHTED:
            return KINDS[plan.kind](**plan.options)
        connection = KINDS[plan.kind](**plan.options, **chosen(CONNECTION_ARRAYS))
        if not spiking:
            return connection
        return SpikingLayer(connection=connection, **chosen(NEURON_ARRAYS))  # type: ignore[arg-type]
    except ModelError as error:
        raise ModelError(f"{plan.name}: {error}") from None
