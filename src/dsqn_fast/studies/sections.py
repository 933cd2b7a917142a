"""A table of a TOML file, read key by key; what is wrong is said with file, line and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, TypeVar

from dsqn_fast.errors import OptionError, StudyFileError
from dsqn_fast.model.checks import shown
from dsqn_fast.studies.factors import check_factor, unknown
from dsqn_fast.studies.file_lines import find_line
from dsqn_fast.studies.study import Setting

Path = tuple[str | int, ...]
Default = TypeVar("Default", int, None)
MAX_COUNT: Final = 10**6


class Section:
    """One table.

    Args:
        data: Its keys and values.
        text: The whole file, to find lines in.
        origin: How the file is called in messages.
        path: Where the table stands in the file.
    """

    def __init__(self, data: Mapping[str, Any], text: str, origin: str, path: Path = ()) -> None:
        self.data, self.text, self.origin, self.path = data, text, origin, path

    def refuse(self, message: str, *keys: str | int) -> NoReturn:
        """Say what is wrong with a key.

        Raises:
            StudyFileError: Always.
        """
        path = (*self.path, *keys)
        line = find_line(self.text, path)
        place = f"{self.origin}, line {line}" if line is not None else self.origin
        name = ".".join(map(str, path))
        raise StudyFileError(f"{place}: {name}: {message}" if name else f"{place}: {message}")

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that are not known.

        Raises:
            StudyFileError: There is one; the nearest known key is named.
        """
        names = list(known)
        for key in self.data:
            if key not in names:
                self.refuse(unknown("key", key, names), key)

    def text_of(self, key: str, default: str | None = None) -> str:
        """A string that must be there where there is no default."""
        if key not in self.data and default is not None:
            return default
        value = self.data.get(key)
        if value is None:
            self.refuse(f"the key {key!r} is missing: add it")
        if not isinstance(value, str) or not value.strip():
            self.refuse(f"must be a text, not {shown(value)}", key)
        return value

    def optional_text(self, key: str) -> str | None:
        """A string, or None where it is not there."""
        return self.text_of(key) if key in self.data else None

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.refuse(f"must be true or false, not {shown(value)}", key)
        return value

    def count(self, key: str, default: Default) -> int | Default:
        """An integer of at least 1, or the default where it is not there."""
        if key not in self.data:
            return default
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_COUNT:
            self.refuse(f"must be an integer from 1 to {MAX_COUNT}, not {shown(value)}", key)
        return value

    def number(self, key: str) -> float:
        """A real number."""
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            self.refuse(f"must be a number, not {shown(value)}", key)
        return float(value)

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of strings; one alone counts as a list of one."""
        value = self.data.get(key, default)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(one, str) for one in items):
            self.refuse(f"must be a list of texts, not {shown(value)}", key)
        return tuple(items)

    def among(self, key: str, values: Iterable[str], known: Iterable[str], kind: str) -> None:
        """Refuse names of a list that are not known.

        Raises:
            StudyFileError: There is one; the nearest known name is named.
        """
        names = list(known)
        for value in values:
            if value not in names:
                self.refuse(unknown(kind, value, names), key)

    def table(self, key: str) -> Section:
        """A table within this one, empty where it is not there."""
        value = self.data.get(key, {})
        if not isinstance(value, Mapping):
            self.refuse(f"must be a table, not {shown(value)}", key)
        return Section(value, self.text, self.origin, (*self.path, key))

    def tables(self, key: str) -> list[Section]:
        """An array of tables within this one, empty where it is not there."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            self.refuse(f"must be an array of tables ([[{key}]]), not {shown(value)}", key)
        return [
            Section(one, self.text, self.origin, (*self.path, key, place))
            for place, one in enumerate(value)
        ]

    def setting(self, key: str, value: Any) -> Setting:
        """A checked value of the factor ``key``."""
        try:
            return check_factor(key, value)
        except OptionError as error:
            self.refuse(str(error), key)

    def settings(self, leave_out: Iterable[str] = ()) -> dict[str, Setting]:
        """All keys as factors, checked, but those left out."""
        rest = set(leave_out)
        return {k: self.setting(k, v) for k, v in self.data.items() if k not in rest}
