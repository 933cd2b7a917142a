"""What a target is: a simulator or chip that runs spiking policies elsewhere."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.deploy.versions import Supported
from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import Precision, check_choice
from dsqn_fast.model.spiking import SpikingModel

Option = str | float


@dataclass(frozen=True, kw_only=True)
class TargetOption:
    """A setting of a target.

    Attributes:
        default: Its value where nothing else is said; a number makes it a number.
        choices: The possible words; () for any.
        help: One line.
    """

    default: Option
    help: str
    choices: tuple[str, ...] = ()

    def check(self, name: str, value: object) -> Option:
        """Return ``value``, given as text or number, as this option takes it.

        Raises:
            OptionError: It is none of the choices, or no finite number.
        """
        if isinstance(self.default, str):
            return check_choice(name, value, self.choices) if self.choices else str(value)
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = float("nan")
        if not np.isfinite(number):
            raise OptionError(f"{name} must be a finite number, not {value!r}")
        return number


@dataclass(frozen=True, kw_only=True)
class Counterpart:
    """What the engine computes when a target is compared with it.

    Attributes:
        model: The policy as the target runs it.
        precision: The engine's number type.
        words: How it differs from the policy as shipped, for people; "" if it does not.
    """

    model: SpikingModel
    precision: Precision = "float64"
    words: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetRun:
    """What a target computed for B decisions of T steps.

    Attributes:
        potentials: (B, n_out) final potentials of the output population, in units of the
            model; with two output neurons per output both halves.
        spike_counts: Per population (B, n_l) int32.
        spikes: Population -> (B, T, n_l) int8, where they were asked for.
        seconds: Time that the decisions took in the target's process.
        notes: What else should be known about the run, a sentence each.
    """

    potentials: NDArray[np.float64]
    spike_counts: tuple[NDArray[np.int32], ...]
    spikes: Mapping[int, NDArray[np.int8]] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


class Target(ABC):
    """A simulator or chip.

    `unsupported` and `counterpart` are asked in the process of the user and import nothing
    foreign; `prepare` and `run` are called in the target's own process, whose Python may have
    nothing but NumPy and the foreign package.

    Args:
        options: Values for `options`.

    Attributes:
        title: How tables call it.
        supported: Package on PyPI and its versions; None where nothing foreign is needed.
        modules: What it imports.
        extra: The extra of this package that installs it.
        options: Its settings by name.
        emulated: Whether it stands for hardware without being it.

    Raises:
        OptionError: There is no such option, or its value is none.
    """

    title: ClassVar[str]
    supported: ClassVar[Supported | None] = None
    modules: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str | None] = None
    options: ClassVar[Mapping[str, TargetOption]] = MappingProxyType({})
    emulated: ClassVar[bool] = False

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        given = dict(options or {})
        for name in given:
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise OptionError(f"{self.title} has the options {known}, not {name!r}")
        self.chosen = {
            name: option.check(name, given.get(name, option.default))
            for name, option in self.options.items()
        }

    def word(self, name: str) -> str:
        """The chosen word of an option."""
        return str(self.chosen[name])

    def number(self, name: str) -> float:
        """The chosen number of an option."""
        return float(self.chosen[name])

    def missing(self) -> str | None:
        """Why it cannot run with this Python, in one line, or None."""
        if self.supported is not None and (reason := self.supported.problem()) is not None:
            return reason
        for name in self.modules:
            try:
                importlib.import_module(name)
            except Exception as error:  # whatever a foreign package raises on its way in
                return f"{name} cannot be imported: {type(error).__name__}: {error}"
        return None

    @abstractmethod
    def unsupported(self, model: SpikingModel) -> str | None:
        """What of this model the target cannot run, in one sentence, or None."""

    @abstractmethod
    def counterpart(self, model: SpikingModel) -> Counterpart:
        """The policy as this target runs it."""

    @abstractmethod
    def prepare(self, model: SpikingModel, n_steps: int) -> None:
        """Build the network of a policy for decisions of ``n_steps`` steps.

        Args:
            model: The policy as shipped; what runs is `counterpart(model).model`.
            n_steps: T.
        """

    @abstractmethod
    def run(
        self,
        observations: NDArray[Any],
        *,
        seed: int,
        decisions: NDArray[np.uint64],
        record: bool,
    ) -> TargetRun:
        """Make one decision per observation.

        Args:
            observations: (B, *input_shape), float64, checked, channels last.
            seed: Seed of the encoding's noise.
            decisions: (B,) index of each decision, which keys its noise.
            record: Whether spikes of every step are wanted.
        """

    def close(self) -> None:  # noqa: B027 - few targets hold anything
        """Free processes and files."""
