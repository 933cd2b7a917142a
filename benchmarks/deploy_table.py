"""Measure policies on targets and write the table of docs/deploy.md from the results.

    python benchmarks/deploy_table.py --targets nest,pynn-nest [--policies NAME,...]
    python benchmarks/deploy_table.py          # writes the table again, measures nothing

Results are kept in docs/deploy-rows.json; a new measurement of the same policy, target and
options replaces the old one. Targets with an environment of their own are found as the package
finds them (DSQN_FAST_TARGETS). The thesis's networks are read from ``../shared/data/thesis``.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from deploy_rows import PROJECT, SETUPS, measure, policies, store, stored

from dsqn_fast.errors import DsqnError

PAGE: Final = PROJECT / "docs" / "deploy.md"
BEGIN, END = "<!-- begin table of targets -->", "<!-- end table of targets -->"
HEAD: Final = (
    "| policy, T | target, options | verdict | differing spikes | equal actions (engine, "
    "as shipped) | return (95 % interval), episodes | played: equal to source / engine | "
    "ms per decision |\n"
    "|---|---|---|---|---|---|---|---|"
)


def line(row: dict[str, Any]) -> str:
    """One row of the table, in Markdown."""
    found, played = row["verification"], row["played"]
    options = ", ".join(f"{name}={value}" for name, value in row["options"].items())
    target = f"{found['title']} {found['version'] or ''}".strip()
    target += ", emulated" if found["emulated"] else ""
    cells = [
        f"{row['policy']}, {found['n_steps']}",
        f"{target}<br>{options}" if options else target,
    ]
    if found["comparison"] is None:
        return _line([*cells, f"unsupported: {found['sentence']}", *["-"] * 5])
    same = found["comparison"]["spike_mismatches"]
    spikes = sum(layer["ours"] for layer in found["comparison"]["layers"])
    cells += [found["verdict"], f"{same} ({spikes} ours)"]
    cells.append(f"{_share(found['agreement'])}, {_share(found['agreement_as_shipped'])}")
    milliseconds = found["milliseconds_per_decision"]
    if played is None:
        return _line([*cells, "not played", "-", f"{milliseconds:.1f}"])
    source = "-" if played["agreement"] is None else f"{played['agreement']:.2%}"
    cells += [
        f"{played['mean_return']:.1f}{_interval(played)}, {played['episodes']}",
        f"{source} / {played['agreement_engine']['share']:.2%}",
        f"{played['milliseconds_per_decision']:.1f}",
    ]
    return _line(cells)


def _interval(played: dict[str, Any]) -> str:
    if played["ci_low"] is None:
        return ""
    return f" ({played['ci_low']:.1f} to {played['ci_high']:.1f})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(agreement: dict[str, Any]) -> str:
    return f"{agreement['equal']} of {agreement['of']}"


def write_table() -> None:
    """Put the table of all rows into the page, between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        sys.exit(f"{PAGE} lacks the line {BEGIN} or {END}")
    lines = "\n".join([HEAD, *map(line, stored())])
    PAGE.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure what is asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", default="", help="names with commas; without, none")
    parser.add_argument("--policies", default="", help="names with commas; without, all")
    parser.add_argument("--episodes", type=int, default=100, help="at most so many")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    targets = [word for word in options.targets.split(",") if word]
    names = [word for word in options.policies.split(",") if word]
    for policy in policies() if targets else ():
        if names and policy.name not in names:
            continue
        for setup in SETUPS:
            if setup.target not in targets:
                continue
            try:
                row = measure(policy, setup, episodes=options.episodes, seed=options.seed)
            except DsqnError as error:
                print(f"{policy.name} on {setup.target}: {error}", file=sys.stderr, flush=True)
                continue
            store(row)
            print(line(row), flush=True)
    if PAGE.is_file():
        write_table()


if __name__ == "__main__":
    main()
