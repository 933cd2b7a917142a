"""Hyperparameters in a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from dsqn_fast.errors import OptionError
from dsqn_fast.importers.extras import import_extra

MAX_BYTES: Final = 2**20


def read_config(path: str | Path) -> dict[str, Any]:
    """The settings of a YAML file, such as ``gamma: 0.98`` and ``hidden: [16, 16]``.

    Names and values are those of `TrainingSettings` and of what the method adds; ``preset`` and
    ``n_steps`` may stand there too. The names are checked where the run is planned.

    Args:
        path: The file.

    Returns:
        Values by name; text where YAML has text.

    Raises:
        MissingExtraError: PyYAML is not installed.
        OptionError: The file cannot be read, is no YAML, or is no mapping of names to values.
    """
    yaml = import_extra("yaml", extra="train", needed_for="--config")
    shown = repr(str(path))
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise OptionError(f"{shown} is larger than {MAX_BYTES} bytes: it is no config file")
        found = yaml.safe_load(data.decode("utf-8"))
    except OSError as error:
        raise OptionError(f"{shown} cannot be read ({error.strerror}): give a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise OptionError(f"{shown} is not YAML ({reason}): write lines like gamma: 0.98") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise OptionError(
            f"{shown} holds a {type(found).__name__}, where names with values are needed: write "
            "lines like gamma: 0.98"
        )
    for name, value in found.items():
        if not isinstance(name, str) or not _is_plain(value):
            raise OptionError(
                f"{shown} gives {str(name)[:64]!r} a {type(value).__name__}, where a name with a "
                "number, a word or a list of numbers is needed"
            )
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, int | float) for one in value)
    return value is None or isinstance(value, bool | int | float | str)
