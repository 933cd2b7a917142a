"""Optional dependencies, imported when a source needs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from dsqn_fast.errors import MissingExtraError


def import_extra(module: str, *, extra: str, needed_for: str) -> ModuleType:
    """Import ``module``.

    Args:
        module: Name of the module.
        extra: The extra of this package that installs it.
        needed_for: What it is needed for, for the message.

    Raises:
        MissingExtraError: It is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{needed_for} needs {module}, which cannot be imported ({error}): "
            f'pip install "dsqn-fast[{extra}]"'
        ) from None
