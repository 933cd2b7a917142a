"""The published rows of the thesis come out again from its ReLU networks."""

from __future__ import annotations

from pathlib import Path

import pytest
from thesis_rows import ROWS, Measured, Published, Row, difference, measure


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_agrees_with_what_was_published(row: Row, shared_data: Path) -> None:
    measured = measure(row, episodes=100, seed=0, data=shared_data)
    assert difference(row, measured) == []


def test_the_comparison_can_fail() -> None:
    row = Row(
        network="x",
        normalization="none",
        published=(Published(mean=100.0, std=10.0, accuracy=0.9),),
    )
    near = Measured(mean=103.0, std=10.0, accuracy=0.91, episodes=100, seconds=0.0)
    far = Measured(mean=105.0, std=10.0, accuracy=0.92, episodes=100, seconds=0.0)
    assert difference(row, near) == []
    assert len(difference(row, far)) == 2
