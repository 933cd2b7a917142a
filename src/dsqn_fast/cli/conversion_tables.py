"""The tables of conversions and diagnoses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsqn_fast.cli.output import number, percent, print_table, show, to_stdout
from dsqn_fast.cli.sources import notes_of

if TYPE_CHECKING:
    from dsqn_fast.conversion.auto_report import AutoReport
    from dsqn_fast.conversion.diagnosis import Diagnosis
    from dsqn_fast.conversion.energy import EnergyReport
    from dsqn_fast.conversion.workflow import Outcome

Rows = list[tuple[str, str]]


@contextmanager
def spoken_progress() -> Iterator[Callable[[str], None]]:
    """Say on a terminal's stderr what is being done; gone when it ends."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda words: None
        return
    with console.status("converting") as status:
        yield status.update


def show_outcome(
    outcome: Outcome,
    *,
    source: str,
    output: Path,
    taught: dict[str, Any] | None,
    json_file: Path | None,
) -> None:
    """Print a conversion and write its JSON.

    Args:
        outcome: The conversion.
        source: Name of the source network's file.
        output: The policy file that was written.
        taught: How a classifier was taught in place of the source, if one was.
        json_file: Where the JSON goes; ``-`` is stdout alone.

    Raises:
        OutputPathError: The JSON cannot be written.
    """
    rows = outcome_rows(outcome)
    if taught is not None:
        rows.insert(0, ("classifier's agreement with its teacher", percent(taught["accuracy"])))
    notes = notes_of(outcome.model.source)
    rows += note_rows(notes)
    data = {
        "source": source,
        "source_notes": notes,
        "output": str(output),
        "distillation": taught,
        **outcome.to_dict(),
    }
    show(f"{Path(source).name} -> {output}", rows, data, json_file)
    if not to_stdout(json_file):
        if outcome.auto is not None:
            print_front(outcome.auto)
        print_diagnosis(outcome.diagnosis)


def outcome_rows(outcome: Outcome) -> Rows:
    """What was converted and how well it does."""
    rows: Rows = []
    if outcome.auto is not None:
        auto = outcome.auto
        rows += [
            ("chosen", auto.recipe),
            ("route", auto.route),
            ("wanted", f"agreement {percent(auto.wanted_agreement)}"),
            ("reached", auto.reached),
            ("outcome", auto.sentence),
            (f"agreement, {auto.test.states} test states", _interval(auto)),
        ]
        if auto.played is not None:
            played = auto.played
            rows += [
                (
                    f"mean return, {played.episodes} episodes",
                    f"{number(played.mean)} (source {number(played.source_mean)})",
                ),
                ("agreement, visited states", percent(played.agreement)),
            ]
    if outcome.early_exit is not None:
        early = outcome.early_exit
        rows += [
            ("early exit kappa", f"{early.kappa:.4g} x spread {early.spread:.4g}"),
            (
                "steps used, mean and 95 %",
                f"{number(early.mean_steps, 1)}, {number(early.steps_95, 0)}",
            ),
            (
                "its agreement",
                f"{percent(early.agreement)}, at least {percent(early.lower_bound)} with "
                f"{early.confidence:.0%} confidence",
            ),
        ]
    if outcome.rounding is not None:
        kept = outcome.rounding
        words = f"{percent(kept.agreement)} ({percent(kept.low)} to {percent(kept.high)})"
        rows.append(("source with weights of 8 bits acts as before", words))
    return [*rows, *diagnosis_rows(outcome.diagnosis), *state_rows(outcome)]


def state_rows(outcome: Outcome) -> Rows:
    """Where the states of the diagnosis may flatter."""
    if outcome.fresh_states:
        return []
    words = "those of the calibration, so that others may agree less; with --env it takes others"
    return [("states diagnosed", words)]


def note_rows(notes: list[str]) -> Rows:
    """What reading the source folded, left out or assumed."""
    return [("note on the source", note) for note in notes]


def _interval(auto: AutoReport) -> str:
    test = auto.test
    return f"{percent(test.agreement)} ({percent(test.low)} to {percent(test.high)})"


def diagnosis_rows(diagnosis: Diagnosis) -> Rows:
    """The diagnosis in one column."""
    gap = diagnosis.gap
    return [
        ("time steps T", str(diagnosis.n_steps)),
        (
            f"agreement, {diagnosis.states} diagnosed states",
            f"{percent(diagnosis.agreement)} ({percent(diagnosis.low)} to "
            f"{percent(diagnosis.high)})",
        ),
        ("regret, share of best - worst output", percent(diagnosis.regret)),
        (
            "gap of best and second output, of the best",
            f"median {percent(gap.median)}, 5 % of states below {percent(gap.quantiles['0.05'])}",
        ),
        *(
            []
            if diagnosis.fine_tuned is None
            else [("agreement, fine-tuned network itself", percent(diagnosis.fine_tuned))]
        ),
        ("gap too small for T", "yes" if diagnosis.gap_too_small else "no"),
        ("layer that loses most", diagnosis.worst_layer or "none"),
        ("advice", diagnosis.advice),
    ]


def print_diagnosis(diagnosis: Diagnosis) -> None:
    """Print layers, agreement over T, and energy."""
    print_table(
        "layers",
        ("layer", "scale", "clipped", "silent", "rate", "correlation", "error", "agreement"),
        (
            (
                layer.name,
                f"{layer.scale[0]:.3g} to {layer.scale[2]:.3g}",
                percent(layer.clipped),
                percent(layer.silent),
                number(layer.mean_rate, 3),
                number(layer.correlation, 4),
                percent(layer.relative_error),
                percent(layer.agreement),
            )
            for layer in diagnosis.layers
        ),
    )
    print_table(
        "over T",
        ("T", "agreement", "regret"),
        (
            (str(point.n_steps), percent(point.agreement), percent(point.regret))
            for point in diagnosis.curve
        ),
    )
    print_energy(diagnosis.energy)


def print_energy(energy: EnergyReport) -> None:
    """Print operations per decision of source and spiking network."""
    pairs = [
        ("effective MACs", "effective_macs", 0),
        ("effective ACs", "effective_acs", 0),
        ("dense operations", "dense_operations", 0),
        ("membrane updates", "membrane_updates", 0),
        ("footprint, bytes", "footprint", 0),
        ("nJ, 32-bit float", "nanojoule", 2),
        ("nJ, 8-bit integer", "nanojoule_int8", 3),
    ]
    rows = [
        (name, number(getattr(energy.ann, key), digits), number(getattr(energy.snn, key), digits))
        for name, key, digits in pairs
    ]
    rows.insert(
        3,
        (
            "activation sparsity",
            percent(energy.ann.activation_sparsity),
            percent(energy.snn.activation_sparsity),
        ),
    )
    print_table(f"per decision ({energy.caveat})", ("", "source", "spiking"), rows)


def print_front(auto: AutoReport) -> None:
    """Print the Pareto front."""
    print_table(
        f"Pareto front on the {auto.test.states} test states",
        ("", "T", "conversion", "agreement", "regret", "spikes", "nJ"),
        (
            (
                ">" if point.chosen else "",
                str(point.n_steps),
                point.recipe,
                percent(point.agreement),
                percent(point.regret),
                number(point.spikes, 0),
                number(point.nanojoule, 1),
            )
            for point in auto.front
        ),
    )
