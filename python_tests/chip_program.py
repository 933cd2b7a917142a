"""IF_curr_delta.aplx of sPyNNaker 1!7.4.1, run under an emulator of its processor (Unicorn).

The file is a list of segments; places in it were found by taking this version apart.
"""

from __future__ import annotations

import hashlib
import importlib
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dsqn_fast.deploy.interpreters import interpreter

PROGRAM = "pyNN/model_binaries/IF_curr_delta.aplx"
DIGEST = "9e991ac64c9eebc2f34a53e93ff667bad9b3ef112a16d4d91ac1605fd660dbcd"
COPY = 2  # a segment that is copied: command, address, offset from the entry, bytes
EXPONENTIAL = 0x4CB0  # r0 -> r0
UPDATE = (0x24D0, 0x2548)  # one step of one cell's membrane
DATA, CODE, STACK, STATE, RETURN = 0x400000, 0x0, 0x40E000, 0x40C000, 0xFFF0


class ChipProgram:
    """The program in an emulated processor."""

    def __init__(self) -> None:
        unicorn = pytest.importorskip("unicorn")
        self._arm: Any = importlib.import_module("unicorn.arm_const")
        find = "import importlib.util as u; print(u.find_spec('spynnaker').origin)"
        found = subprocess.run(
            [interpreter("spinnaker"), "-c", find], capture_output=True, text=True, check=False
        )
        if found.returncode:
            pytest.skip("sPyNNaker is not installed")
        data = (Path(found.stdout.strip()).parent / PROGRAM).read_bytes()
        if hashlib.sha256(data).hexdigest() != DIGEST:
            pytest.skip("another version of IF_curr_delta.aplx")
        self._chip: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        self._chip.mem_map(CODE, 0x10000)
        self._chip.mem_map(DATA, 0x10000)
        place = 0
        while (entry := struct.unpack_from("<4I", data, place))[0] == COPY:
            start = place + entry[2]
            self._chip.mem_write(entry[1], data[start : start + entry[3]])
            place += 16

    def _set(self, **registers: int) -> None:
        for name, value in registers.items():
            number = getattr(self._arm, f"UC_ARM_REG_{name.upper()}")
            self._chip.reg_write(number, value & 0xFFFFFFFF)

    def exponential(self, x: int) -> int:
        """exp of an s16.15 number."""
        self._set(r0=x, sp=STACK, lr=RETURN)
        self._chip.emu_start(EXPONENTIAL, RETURN)
        return int(self._chip.reg_read(self._arm.UC_ARM_REG_R0))

    def update(self, v: int, exc: int, inh: int, offset: int, r: int, e_tc: int) -> int:
        """Potential of a cell after one step; all s16.15."""
        state = struct.pack("<iiiii", v, 0, r, e_tc, offset)
        self._chip.mem_write(STATE, state + bytes(16))
        # On the stack: where the threshold is, exc, inh, and the factor 1 / time step.
        threshold = STACK + 0x100
        self._chip.mem_write(threshold, struct.pack("<i", 2**31 - 1))
        words = [0, 0, exc, inh, threshold, threshold, 0, 0, 2**15]
        self._chip.mem_write(STACK, struct.pack("<9i", *words))
        self._set(r5=0, r7=0, fp=STATE, sp=STACK)
        self._chip.emu_start(*UPDATE)
        (potential,) = struct.unpack("<i", self._chip.mem_read(STATE, 4))
        return int(potential)
