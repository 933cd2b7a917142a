"""What computes the decisions of a cell: the engine, or a target of deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dsqn_fast.agents import Simulator
from dsqn_fast.deploy.backend import Backend
from dsqn_fast.deploy.catalogue import make_target
from dsqn_fast.deploy.playing import ComparedBackend
from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError
from dsqn_fast.model.spiking import SpikingModel
from dsqn_fast.studies.factors import ENGINE
from dsqn_fast.studies.study import Settings

Extras = Callable[[], dict[str, Any]]


@contextmanager
def cell_simulator(model: SpikingModel, settings: Settings) -> Iterator[tuple[Simulator, Extras]]:
    """The simulator of a cell, and a function that says what only it knows.

    Raises:
        DsqnError: It cannot simulate this model, or is not installed.
    """
    name = str(settings["backend"])
    if name == ENGINE:
        engine = Engine(
            model,
            precision=settings["precision"],  # type: ignore[arg-type]
            weight_bits=int(settings["weight_bits"]),
        )
        yield engine.run, lambda: {"engine_agreement": None}
        return
    with Backend(model, name, options=target_options(settings)) as backend:
        compared = ComparedBackend(backend, model)

        def extras() -> dict[str, Any]:
            found = compared.to_dict()
            share = compared.equal / max(compared.decisions, 1)
            kept = ("backend_title", "backend_version", "emulated", "notes")
            return {"engine_agreement": share, "target": {name: found[name] for name in kept}}

        yield compared, extras


def check_backend(settings: Settings) -> None:
    """Refuse a backend's options before anything is computed.

    Raises:
        OptionError: The backend has no such option or value, or the engine is given one.
    """
    options = target_options(settings)
    if settings["backend"] != ENGINE:
        make_target(str(settings["backend"]), options)
    elif options:
        raise OptionError(
            f"backend_options {settings['backend_options']!r} need another backend than the engine"
        )


def target_options(settings: Settings) -> dict[str, str]:
    """The options of ``"name=value, name=value"``.

    Raises:
        OptionError: A part has another form.
    """
    options = {}
    for part in filter(None, str(settings["backend_options"]).split(",")):
        name, equals, value = part.strip().partition("=")
        if not (name and equals):
            raise OptionError(f"backend_options must be like 'mode=thesis', not {part.strip()!r}")
        options[name] = value
    return options
