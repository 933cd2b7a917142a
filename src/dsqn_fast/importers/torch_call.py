"""A call in a traced forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """A function or method call in a forward pass.

    Attributes:
        title: What to call it in messages.
        function: Its name: ``relu``, ``flatten``, ``truediv``, ...
        arguments: Constants, `Call.VALUE` for the value, `Call.SIZE` for a size of it.
        keywords: Likewise.
    """

    VALUE: ClassVar[object] = object()
    SIZE: ClassVar[object] = object()

    title: str
    function: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
