"""Who plays for `dsqn-fast run`: the engine, or a target of deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsqn_fast.agents import SpikingAgent
    from dsqn_fast.model import SpikingModel

Conditions = Callable[[], dict[str, Any]]


def check_early_exit(kappa: float | None, backend: str | None) -> None:
    """Refuse early exits on a target, where every decision takes all its steps.

    Raises:
        OptionError: Both are given.
    """
    from dsqn_fast.errors import OptionError

    if kappa is not None and backend is not None:
        raise OptionError(
            f"--early-exit is the engine's, and --backend {backend} runs all steps: leave one of "
            "them out"
        )


@contextmanager
def player(
    model: SpikingModel,
    *,
    n_steps: int | None,
    seed: int,
    threads: int,
    precision: str,
    backend: str | None,
    options: Sequence[str] | None,
    python: str | None,
) -> Iterator[tuple[SpikingAgent, Conditions]]:
    """The agent, and a function that says under which conditions it played.

    Raises:
        OptionError: Options of a target without a target, or of the engine with one.
    """
    from dsqn_fast.agents import SpikingAgent
    from dsqn_fast.cli.tables import run_conditions
    from dsqn_fast.cli.target_options import parse_target_options
    from dsqn_fast.errors import OptionError

    if backend is None:
        if options or python:
            raise OptionError("--option and --python need --backend: name one, such as nest")
        agent = SpikingAgent(
            model,
            n_steps=n_steps,
            n_threads=threads,
            precision=precision,  # type: ignore[arg-type]  # checked there
            seed=seed,
        )
        yield agent, lambda: run_conditions(agent)
        return
    if threads != 1 or precision != "float32":
        raise OptionError("--threads and --precision are the engine's: leave them out or --backend")
    from dsqn_fast.deploy.playing import BackendAgent
    from dsqn_fast.version import package_version

    chosen = parse_target_options(options)
    with BackendAgent(
        model, backend, n_steps=n_steps, seed=seed, options=chosen, python=python
    ) as played:
        yield (
            played,
            lambda: {
                "n_steps": played.n_steps,
                **played.compared.to_dict(),
                "version": package_version(),
            },
        )
