"""Where a key stands in a TOML file: errors of meaning name a line like errors of form do."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(#.*)?$")


def find_line(text: str, path: tuple[str | int, ...]) -> int | None:
    """Line, from 1, of the key or table that a path leads to; None where it is not found.

    Args:
        text: The file.
        path: Keys and, in arrays of tables, positions: ``("policies", 1, "file")``.
    """
    counts: dict[str, int] = {}
    prefix: tuple[str | int, ...] = ()
    best, best_length = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            prefix = _table(header[2], header[1] == "[[", counts)
            found = prefix
        else:
            key = re.match(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=", line)
            if key is None:
                continue
            found = (*prefix, *_parts(key[1]))
        # The line of the longest beginning of the path: the key itself, or else its table.
        if found == path[: len(found)] and len(found) > best_length:
            best, best_length = number, len(found)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _table(dotted: str, array: bool, counts: dict[str, int]) -> tuple[str | int, ...]:
    """Path of a table header; arrays of tables are counted."""
    path: list[str | int] = []
    name = ""
    parts = _parts(dotted)
    for index, part in enumerate(parts):
        name = f"{name}.{part}" if name else part
        path.append(part)
        if array and index == len(parts) - 1:
            counts[name] = counts.get(name, -1) + 1
        if name in counts:
            path.append(counts[name])
    return tuple(path)
