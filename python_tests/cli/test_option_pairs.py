"""Words that would change nothing, or that nobody knows, are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_calls import refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--normalization robst", "did you mean 'robust'"),
        ("--early-exit-reference sourc", "did you mean 'source'"),
        ("--early-exit-reference all-steps", "there is no --early-exit"),
        ("--early-exit 2", "the agreement of an early exit must be above 0 and below 1, not 2"),
        ("--wanted-return nan", "wanted_return must be finite, not nan"),
        ("--auto --normalization robust", "--auto chooses the normalization, but --normalization"),
        ("--initial-potential zero", "--initial-potential would change nothing: auto chooses it"),
        ("--spikes burst", "--spikes would change nothing: auto chooses it"),
        ("--calibrate-bias", "--calibrate-bias would change nothing"),
        ("--normalization channel --qcfs", "--qcfs would change nothing: it is for auto"),
        ("--normalization channel --no-bursts", "--no-bursts would change nothing"),
        ("--normalization data --percentile 0.9", "normalization data has no quantile"),
        ("--normalization data --burst-limit 3", "spikes are binary, not burst"),
        ("-T 8 --max-steps 16", "--max-steps would change nothing: T = 8 is given"),
        ("--observations x.npy --calibrate-episodes 3", "--calibrate-episodes would change"),
    ],
)
def test_of_convert(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network, out = tmp_path / "net.npz", tmp_path / "p.npz"
    np.savez(network, w0=np.ones((4, 2), np.float32))
    assert message in refused(
        capsys, "convert", network, "-o", out, "--env", "CartPole-v1", *words.split()
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--normalization chanel", "did you mean 'channel'"),
        ("--normalization channel", "--normalization would change nothing: a policy is looked at"),
        ("--timing nest", "--timing would change nothing"),
        ("--initial-potential haf", "did you mean 'half'"),
    ],
)
def test_of_diagnose_with_a_policy(
    words: str, message: str, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, "diagnose", shipped, *words.split())


@pytest.mark.parametrize("words", ["-T 0", "-T 8", "--observation 0,0,0,0", "--seed 1"])
def test_of_info_without_a_picture(
    words: str, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, "info", shipped, *words.split())
    assert "would change nothing: nothing is drawn: add --raster FILE.png" in error
