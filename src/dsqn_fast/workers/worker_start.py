"""The program of a worker process: one object, asked over stdin and answering on stdout.

    python worker_start.py MODULE CLASS ARGUMENTS

makes ``CLASS(*ARGUMENTS)`` (ARGUMENTS is a JSON list) and calls one of its methods per request.
A line of JSON in, a line of JSON out:

    {"do": METHOD, NAME: VALUE, ...}    -> what METHOD(NAME=VALUE, ...) returns, a JSON object
                                        or {"error": "..."} if it raised

It is started by its path with the Python of a foreign package, in whose environment this package
need not be installed: NumPy and the foreign package are enough.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO


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


def answer(served: Any, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request; what a foreign package raises becomes a line of text."""
    todo = request.pop("do")
    try:
        reply: dict[str, Any] = getattr(served, todo)(**request)
    except Exception as error:  # the other side shows it as the reason why there is no result
        text = " ".join(str(error).split())
        return {"error": f"{type(error).__name__}: {text[:300]}"}
    return reply


def main(module: str, kind: str, arguments: str) -> None:
    """Serve one object until stdin ends, then close it."""
    answers = take_stdout()
    provide_package()
    served = getattr(importlib.import_module(module), kind)(*json.loads(arguments))
    try:
        for line in sys.stdin:
            reply = answer(served, json.loads(line))
            answers.write(json.dumps(reply) + "\n")
            answers.flush()
    finally:
        served.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
