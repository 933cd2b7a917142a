"""Make an environment for each peer whose requirements clash with others, or for those named.

    python benchmarks/install_peers.py            those that live apart
    python benchmarks/install_peers.py nest numba

Each gets `FOLDER/NAME/bin/python`, where `dsqn-fast bench` looks for it. FOLDER is
`~/.cache/dsqn-fast/peers`, or what the variable DSQN_FAST_PEERS names.
"""

from __future__ import annotations

import subprocess
import sys
import venv

from dsqn_fast.benchmarking.interpreters import peers_folder
from dsqn_fast.benchmarking.peers.catalogue import PEERS
from dsqn_fast.errors import DsqnError
from dsqn_fast.model.options import check_choice


def install(name: str) -> bool:
    """Make the environment of peer ``name``; whether pip was content."""
    folder = peers_folder() / name
    venv.EnvBuilder(with_pip=True, clear=True).create(folder)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    return subprocess.run([*pip, "numpy", *PEERS[name].packages], check=False).returncode == 0


def main(names: list[str]) -> int:
    """Install the peers named, or all that live apart; 1 if one of them failed."""
    try:
        for name in names:
            check_choice("peer", name, [peer for peer in PEERS if PEERS[peer].packages])
    except DsqnError as error:
        print(error, file=sys.stderr)
        return 2
    failed = []
    for name in names or [peer for peer, info in PEERS.items() if info.apart]:
        print(f"{name}: {' '.join(PEERS[name].packages)}", flush=True)
        if not install(name):
            failed.append(name)
    if failed:
        print(f"not installed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
