"""The commands by name: what is imported only when one of them is called."""

from __future__ import annotations

import importlib
from typing import Any, Final, NamedTuple

import typer


class LazyCommand(NamedTuple):
    """Where a command's function is, and the line that the list of commands shows.

    Attributes:
        module: Module of the function.
        function: Its name; its signature and docstring make the options and the help.
        help: One line.
    """

    module: str
    function: str
    help: str


COMMANDS: Final[dict[str, LazyCommand]] = {
    "run": LazyCommand("dsqn_fast.cli.run", "run", "Play episodes with a spiking policy."),
    "evaluate": LazyCommand(
        "dsqn_fast.cli.evaluate", "evaluate", "Play episodes with a source network."
    ),
    "train": LazyCommand("dsqn_fast.cli.train", "train", "Train a network, keep the best one."),
    "convert": LazyCommand(
        "dsqn_fast.cli.convert", "convert", "Make a spiking policy of a source network."
    ),
    "diagnose": LazyCommand(
        "dsqn_fast.cli.diagnose", "diagnose", "Say what a conversion loses, where and why."
    ),
    "verify": LazyCommand(
        "dsqn_fast.cli.verify", "verify", "Say how faithful a policy is on a simulator or chip."
    ),
    "export": LazyCommand("dsqn_fast.cli.export", "export", "Write a policy for another tool."),
    "study": LazyCommand(
        "dsqn_fast.cli.study", "study", "Compare ways to a spiking policy, with a report."
    ),
    "robustness": LazyCommand(
        "dsqn_fast.cli.robustness", "robustness", "Disturb a policy and its source network."
    ),
    "bench": LazyCommand(
        "dsqn_fast.cli.bench", "bench", "Time the engine beside other simulators."
    ),
    "info": LazyCommand(
        "dsqn_fast.cli.info", "info", "Show what a policy file or this installation is."
    ),
}


def load_command(name: str) -> Any:
    """The command ``name`` as an object that typer can invoke; imports its module."""
    entry = COMMANDS[name]
    function = getattr(importlib.import_module(entry.module), entry.function)
    if isinstance(function, typer.Typer):  # a command with commands of its own
        return typer.main.get_command(function)
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name)(function)
    return typer.main.get_command(app)
