"""Where torch computes while a network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice

if TYPE_CHECKING:
    import torch

DEVICES: Final = ("auto", "cpu", "cuda")


def check_device(name: str) -> None:
    """Refuse the name of another device.

    Raises:
        OptionError: The message names those that there are.
    """
    check_choice("device", name, DEVICES)


def chosen_device(name: str) -> torch.device:
    """The device of a name.

    Args:
        name: ``"cpu"``; ``"cuda"``; or ``"auto"``: ``cuda`` where torch finds a GPU, else ``cpu``.

    Raises:
        OptionError: There is no such name, or torch finds no GPU for ``"cuda"``.
    """
    import torch

    check_device(name)
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise OptionError(
            f"device 'cuda' needs a GPU, but torch {torch.__version__} finds none: choose 'cpu', "
            "or install a torch for your GPU"
        )
    return torch.device("cuda" if found and name != "cpu" else "cpu")
