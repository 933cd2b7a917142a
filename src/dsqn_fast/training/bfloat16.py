"""Whether this machine computes with bfloat16 faster than with float32."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CPU_INFO: Final = Path("/proc/cpuinfo")
FLAGS: Final = frozenset({"amx_bf16", "avx512_bf16"})


def has_fast_bfloat16(cpu_info: Path = CPU_INFO) -> bool:
    """Whether the processor has instructions for products of bfloat16; others emulate them slowly.

    Args:
        cpu_info: What Linux tells about the processor; where it is missing the answer is no.
    """
    try:
        with cpu_info.open() as lines:  # no further than to the first of many processors
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return not FLAGS.isdisjoint(flags.split())
