"""Print the thesis's table again, and the cells that it left out, with the time each took.

    python benchmarks/thesis_table.py [--episodes 100] [--seed 0] [--without-long]

Needs the thesis's networks in ``../shared/data/thesis`` beside the repository.
"""

from __future__ import annotations

import argparse

from thesis_rows import INFEASIBLE, ROWS, Measured, Row, difference, measure

from dsqn_fast import active_isa

HEAD = "| network | published: return (std), accuracy | here: return (std), accuracy | seconds |"


def line(row: Row, measured: Measured) -> str:
    """One row of the table, in Markdown."""
    published = (
        " / ".join(_cell(one.mean, one.std, one.accuracy) for one in row.published)
        or "left out as infeasible"
    )
    here = _cell(measured.mean, measured.std, measured.accuracy)
    apart = difference(row, measured) if row.published else []
    note = f" ({'; '.join(apart)})" if apart else ""
    return f"| {row.name} | {published} | {here}{note} | {measured.seconds:.1f} |"


def _cell(mean: float, std: float | None, accuracy: float | None) -> str:
    spread = "" if std is None else f" ({std:.2f})"
    return f"{mean:.2f}{spread}" + ("" if accuracy is None else f", {accuracy:.2%}")


def main() -> None:
    """Measure and print every row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-long", action="store_true", help="leave T = 5000, 10000 out")
    options = parser.parse_args()
    print(f"{options.episodes} episodes, seed {options.seed}, {active_isa()}, 1 thread\n")
    print(HEAD)
    print("|---|---|---|---|")
    for row in (*ROWS, *(() if options.without_long else INFEASIBLE)):
        measured = measure(row, episodes=options.episodes, seed=options.seed)
        print(line(row, measured), flush=True)


if __name__ == "__main__":
    main()
