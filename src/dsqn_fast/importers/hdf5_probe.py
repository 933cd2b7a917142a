"""Whether an HDF5 file can be read, found out in a process of its own.

On damaged files the HDF5 library may loop forever or end the process, so every array is read
once where neither does harm. This file is also the program of that process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SECONDS = 30.0
SECONDS_PER_BYTE = 1e-7


def probe_hdf5(path: Path, max_bytes: int) -> str | None:
    """Read all arrays of a file in a child process.

    Args:
        path: The file.
        max_bytes: Most bytes that its arrays may have, unpacked.

    Returns:
        Why the file cannot be read, or None if it can.
    """
    command = [sys.executable, "-P", __file__, str(path.resolve()), str(max_bytes)]
    seconds = SECONDS + SECONDS_PER_BYTE * path.stat().st_size
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the HDF5 library does not come to an end within {seconds:.0f} s"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"the HDF5 library ended with {done.returncode}"


def _read_all(path: str, max_bytes: int) -> None:
    import h5py

    arrays: list[h5py.Dataset] = []

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays.append(item)

    with h5py.File(path, "r") as file:
        file.visititems(collect)
        size = sum(int(array.nbytes) for array in arrays)
        if size > max_bytes:
            sys.exit(f"it holds {size} bytes unpacked, more than {max_bytes}")
        for array in arrays:
            array[()]


if __name__ == "__main__":
    _read_all(sys.argv[1], int(sys.argv[2]))
