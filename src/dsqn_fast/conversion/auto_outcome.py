"""The outcome of an automatic conversion in a sentence."""

from __future__ import annotations

from dsqn_fast.conversion.agreement import states_that_show
from dsqn_fast.conversion.auto_report import AutoReport


def outcome_sentence(report: AutoReport, *, shown: bool) -> str:
    """What was chosen, what it reaches on the test states, and why it was chosen.

    Args:
        report: The report, without its sentence.
        shown: Whether a conversion reached the wanted agreement on the selection states.
    """
    test = report.test
    words = (
        f"{report.recipe} at T = {report.n_steps} (route: {report.route}) agrees with the source "
        f"on {test.agreement:.2%} of {test.states} test states ({test.low:.2%} to {test.high:.2%})"
        f"{_reason(report, shown)}"
    )
    if report.played is not None:
        words += (
            f"; mean return {report.played.mean:.1f} over {report.played.episodes} episodes "
            f"(source {report.played.source_mean:.1f})"
        )
    return words


def _reason(report: AutoReport, shown: bool) -> str:
    wanted = f"{report.wanted_agreement:.2%}"
    if report.reached == "agreement":
        return (
            f", chosen as the fewest steps that show {wanted} with 95 % confidence on "
            f"{report.selection_states} selection states"
        )
    missed = f"{wanted} was not reached by anything that was tried"
    needed = states_that_show(report.wanted_agreement)
    if report.selection_states < needed:
        missed = (
            f"{report.selection_states} selection states are too few to show {wanted}, which takes "
            f"{needed} of them and 5 times as many observations"
        )
    elif shown:
        missed = f"{wanted} was shown on the selection states, but not kept on the test states"
    if report.reached == "return":
        return f": {missed}, but it has the wanted return"
    if report.reached == "source return":
        return f": {missed}, but its return is the source's"
    return f": {missed}"
