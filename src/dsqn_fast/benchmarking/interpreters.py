"""Which Python runs a peer: its own environment where there is one, else this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dsqn_fast.benchmarking.peers.catalogue import PEERS
from dsqn_fast.errors import OptionError
from dsqn_fast.model.options import check_choice

FOLDER_VARIABLE: Final = "DSQN_FAST_PEERS"
"""Environment variable that names another folder of environments."""


def peers_folder() -> Path:
    """Folder in which ``NAME/bin/python`` runs the peer NAME."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".cache" / "dsqn-fast" / "peers"


def interpreter(peer: str, chosen: Mapping[str, str] | None = None) -> str:
    """Path of the Python that runs ``peer``.

    Args:
        peer: A name in `PEERS`.
        chosen: Peer -> interpreter, as the user asked for.

    Raises:
        OptionError: The interpreter that was asked for does not exist.
    """
    if chosen and peer in chosen:
        if not Path(chosen[peer]).is_file():
            raise OptionError(
                f"--python {peer}={chosen[peer]} names no file: give the path of a python program"
            )
        return chosen[peer]
    own = peers_folder() / peer / "bin" / "python"
    return str(own) if own.is_file() else sys.executable


def parse_interpreters(words: list[str]) -> dict[str, str]:
    """``NAME=PATH`` words as peer -> interpreter.

    Raises:
        OptionError: A word has another form, or names no peer.
    """
    chosen: dict[str, str] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or not path:
            raise OptionError(
                f"--python takes PEER=PATH, such as nest=/opt/nest/bin/python, not {word!r}"
            )
        chosen[check_choice("peer", name, tuple(PEERS))] = path
    return chosen
