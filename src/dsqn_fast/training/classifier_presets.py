"""Named hyperparameters of classifiers, per method and environment."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dsqn_fast.training.classifier_settings import (
    ClassifierSettings,
    ErbpClassifierSettings,
    SurrogateClassifierSettings,
)


def _default(kind: type[ClassifierSettings], **values: Any) -> dict[str, Any]:
    """The sizes of the thesis "Deep Spiking Q Networks" for its two environments."""
    small, wide = kind(hidden=(16, 16), **values), kind(hidden=(64, 64), **values)
    return {"default": {"CartPole-v1": small, "CartPole-v0": small, "": wide}}


CLASSIFIERS: Final[Mapping[str, Mapping[str, Mapping[str, ClassifierSettings]]]] = MappingProxyType(
    {
        "classifier": _default(ClassifierSettings),
        "spiking-classifier": _default(SurrogateClassifierSettings),
        "erbp-classifier": _default(ErbpClassifierSettings),
    }
)
