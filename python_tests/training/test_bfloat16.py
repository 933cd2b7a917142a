from pathlib import Path

import pytest

from dsqn_fast.training.bfloat16 import CPU_INFO, has_fast_bfloat16
from dsqn_fast.training.images.settings import image_preset


@pytest.mark.parametrize(
    ("flags", "fast"),
    [
        ("fpu avx2 avx512f", False),
        ("fpu avx512_bf16", True),
        ("amx_bf16 amx_tile", True),
        ("not_amx_bf16", False),
    ],
)
def test_flags_of_the_processor(tmp_path: Path, flags: str, fast: bool) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nflags\t\t: amx_bf16\n")
    assert has_fast_bfloat16(info) is fast


def test_no_flags(tmp_path: Path) -> None:
    assert not has_fast_bfloat16(tmp_path / "none")


def test_presets_follow_the_processor() -> None:
    assert image_preset("ppo").bfloat16 is has_fast_bfloat16(CPU_INFO)
