"""The program of a worker process: one peer, asked over stdin and answering on stdout.

A line of JSON in, a line of JSON out. It is started by its path with the Python of the peer, in
whose environment this package need not be installed: NumPy and the peer are enough.

    {"do": "hello"}                        -> {"missing": null or why, "version": "..."}
    {"do": "prepare", "model": FILE,       -> {"seconds": ...} or {"unsupported": why}
     "observations": FILE, "n_steps": T}
    {"do": "decide"}                       -> {"potentials": [[...], ...]}
    {"do": "time", "seconds": S}           -> {"seconds": per call, "calls": n}
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from dsqn_fast.benchmarking.stopwatch import Contestant


def provide_package() -> None:
    """Make `dsqn_fast` importable from beside this file, and nothing else from there."""
    home = Path(__file__).resolve().parents[1]
    found = importlib.util.find_spec("dsqn_fast")
    if found is not None and found.origin and Path(found.origin).resolve().parent == home:
        return
    spec = importlib.util.spec_from_file_location(
        "dsqn_fast", home / "__init__.py", submodule_search_locations=[str(home)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["dsqn_fast"] = package
    spec.loader.exec_module(package)


def take_stdout() -> TextIO:
    """The real stdout, for answers alone; what simulators print goes to stderr from now on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def answer(contestant: Contestant, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request; what a foreign package raises becomes a line of text."""
    todo = request.pop("do")
    try:
        reply: dict[str, Any] = getattr(contestant, todo)(**request)
    except Exception as error:  # the other side shows it as the reason why there is no figure
        text = " ".join(str(error).split())
        return {"error": f"{type(error).__name__}: {text[:300]}"}
    return reply


def main(peer: str) -> None:
    """Serve ``peer`` until stdin ends."""
    answers = take_stdout()
    provide_package()
    from dsqn_fast.benchmarking.stopwatch import Contestant

    contestant = Contestant(peer)
    try:
        for line in sys.stdin:
            reply = answer(contestant, json.loads(line))
            answers.write(json.dumps(reply) + "\n")
            answers.flush()
    finally:
        contestant.close()


if __name__ == "__main__":
    main(sys.argv[1])
