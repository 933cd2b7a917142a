"""Options that do not go together: a word that would change nothing is refused, not ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer


def refuse_pairs_of_convert(context: typer.Context) -> None:
    """Check the options of `convert` against each other.

    Raises:
        OptionError: One of them would change nothing beside another, or contradicts it.
    """
    from dsqn_fast.conversion.early_exit import REFERENCES
    from dsqn_fast.conversion.options import NORMALIZATIONS
    from dsqn_fast.errors import OptionError
    from dsqn_fast.model.options import check_choice

    options = context.params
    rule = check_choice("normalization", options["normalization"], NORMALIZATIONS)
    check_choice("early-exit-reference", options["early_exit_reference"], REFERENCES)
    if options["auto"] and rule != "auto":
        raise OptionError(
            f"--auto chooses the normalization, but --normalization {rule} is given: leave one of "
            "them out"
        )
    if rule == "auto":
        chosen = ("initial_potential", "calibrate_bias", "spikes", "burst_limit")
        _refuse_given(context, chosen, "auto chooses it: name a --normalization to choose yourself")
    else:
        only_auto = ("wanted_return", "max_steps", "bursts", "qcfs")
        _refuse_given(context, only_auto, f"it is for auto, and --normalization {rule} is named")
    if options["n_steps"] is not None:
        _refuse_given(context, ["max_steps"], f"T = {options['n_steps']} is given")
    if options["spikes"] != "burst":
        _refuse_given(context, ["burst_limit"], f"spikes are {options['spikes']}, not burst")
    if options["early_exit"] is None:
        _refuse_given(context, ["early_exit_reference"], "there is no --early-exit")
    _refuse_pairs_of_both(context)


def refuse_pairs_of_diagnose(context: typer.Context, *, of_policy: bool) -> None:
    """Check the options of `diagnose` against each other, and against a policy as its source.

    Raises:
        OptionError: One of them would change nothing.
    """
    if of_policy:
        converting = ("normalization", "percentile", "initial_potential", "reset", "timing")
        _refuse_given(context, converting, "a policy is looked at as it is: give its source's file")
    _refuse_pairs_of_both(context)


def _refuse_pairs_of_both(context: typer.Context) -> None:
    from dsqn_fast.conversion.options import QUANTILE_RULES

    rule = context.params["normalization"]
    if rule not in (*QUANTILE_RULES, "auto"):
        _refuse_given(context, ["percentile"], f"normalization {rule} has no quantile")
    if context.params["observations"] is not None:
        _refuse_given(context, ["calibrate_episodes"], "--observations are given")


def refuse_without_raster(context: typer.Context) -> None:
    """Refuse the options of `info` that are about a picture where none is drawn.

    Raises:
        OptionError: There is one.
    """
    if context.params["raster"] is None:
        drawing = ("observation", "n_steps", "seed")
        _refuse_given(context, drawing, "nothing is drawn: add --raster FILE.png")


def refuse_pairs_of_train(context: typer.Context) -> None:
    """Refuse options of one seed beside ``--seeds``, and those of several without it.

    Raises:
        OptionError: There is one.
    """
    if context.params["seeds"] is not None:
        _refuse_given(context, ["seed"], "--seeds are given")
    else:
        _refuse_given(context, ("jobs", "timeout", "compare"), "it is for several --seeds")


def _refuse_given(context: typer.Context, names: Sequence[str], reason: str) -> None:
    from dsqn_fast.errors import OptionError

    for name in names:
        if is_given(context, name):
            raise OptionError(f"{_option(context, name)} would change nothing: {reason}")


def is_given(context: typer.Context, name: str) -> bool:
    """Whether a parameter was written on the command line."""
    source: Any = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _option(context: typer.Context, name: str) -> str:
    """The option of a parameter, as it is written: of ``--a/--no-a`` the one that was."""
    (parameter,) = (one for one in context.command.params if one.name == name)
    turned_off = context.params[name] is False and parameter.secondary_opts
    return str((parameter.secondary_opts if turned_off else parameter.opts)[0])
