from __future__ import annotations

import json
import venv
from pathlib import Path

import numpy as np
import pytest

from dsqn_fast.benchmarking.agreement import compare
from dsqn_fast.benchmarking.interpreters import interpreter, parse_interpreters
from dsqn_fast.benchmarking.nets import NETS, load_net
from dsqn_fast.benchmarking.plan import Plan
from dsqn_fast.benchmarking.report import BenchmarkReport, spread
from dsqn_fast.benchmarking.rounds import run_benchmark
from dsqn_fast.benchmarking.team import CONTESTANT
from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError
from dsqn_fast.workers.worker import Worker, WorkerError


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python without NumPy."""
    folder = tmp_path_factory.mktemp("bare")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, bare_python: str) -> BenchmarkReport:
    plan = Plan(
        nets=("cartpole",),
        peers=("numpy", "numpy-by-layer", "torch", "nest"),
        batches=(1, 3),
        n_steps=(10,),
        rounds=2,
        slice_seconds=0.001,
        folder=tmp_path_factory.mktemp("no-networks"),
        interpreters={"nest": bare_python},
    )
    parts: list[tuple[int, int, str]] = []
    found = run_benchmark(plan, lambda *part: parts.append(part))
    assert [done for done, _, _ in parts] == list(range(len(parts)))
    assert {total for _, total, _ in parts} == {len(parts)}
    return found


def test_all_peers_are_timed_and_decide_alike(report: BenchmarkReport) -> None:
    assert report.engine_equals_reference
    assert list(report.cases()) == [("cartpole", 10, 1), ("cartpole", 10, 3)]
    for rows in report.cases().values():
        assert rows[0].peer == "engine"
        for row in rows[:-1]:
            assert row.status == "timed", row.reason
            assert row.agreement is not None
            assert row.agreement.share == 1
            assert row.agreement.observations == 64 // row.batch * row.batch
            assert row.seconds is not None
            assert 0 < row.seconds.low <= row.seconds.median <= row.seconds.high
            assert row.rounds == 2
            assert row.origin == "seeded"
            assert not row.differs


def test_a_peer_that_cannot_run_is_reported_with_its_reason(report: BenchmarkReport) -> None:
    for rows in report.cases().values():
        absent = rows[-1]
        assert (absent.peer, absent.status) == ("nest", "missing")
        assert "No module named 'numpy'" in str(absent.reason)
        assert absent.seconds is absent.ratio is absent.agreement is None


def test_the_engine_is_its_own_measure(report: BenchmarkReport) -> None:
    engine = report.rows[0]
    assert engine.ratio is not None
    assert (engine.ratio.low, engine.ratio.median, engine.ratio.high) == (1, 1, 1)


def test_json_holds_everything(report: BenchmarkReport) -> None:
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert BenchmarkReport.from_dict(data) == report
    assert set(data["machine"]) >= {"processor", "cores", "isa", "python", "date"}


def test_a_peer_that_fails_is_asked_again(tmp_path: Path) -> None:
    with Worker(*CONTESTANT, ["numpy"], python=interpreter("numpy")) as worker:
        with pytest.raises(WorkerError, match="FileNotFoundError"):
            worker.ask(
                "prepare", model="none", observations=str(tmp_path / "n"), batch=1, n_steps=1
            )
        assert worker.ask("hello")["missing"] is None


def test_a_worker_that_does_not_answer_is_ended() -> None:
    with Worker(*CONTESTANT, ["numpy"], python=interpreter("numpy"), timeout=0.0) as worker:
        with pytest.raises(WorkerError, match="no answer to 'hello' within 0 s"):
            worker.ask("hello")
        with pytest.raises(WorkerError, match="its process ended with status -9"):
            worker.ask("hello")


def test_different_decisions_are_marked() -> None:
    expected = np.array([[1.0, 0.0]] * 20)
    found = expected.copy()
    found[0] = found[0, ::-1]
    assert compare(found, expected, "").is_within_tolerance
    found[1] = found[1, ::-1]
    agreement = compare(found, expected, "")
    assert agreement.share == 0.9
    assert agreement.largest_difference == 1
    assert not agreement.is_within_tolerance


def test_spread_is_median_and_quartiles() -> None:
    found = spread([5.0, 1.0, 2.0, 3.0, 4.0])
    assert (found.low, found.median, found.high) == (2, 3, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nets": ("cartpol",)}, "did you mean 'cartpole'"),
        ({"peers": ("pytorch",)}, "peer must be one of"),
        ({"batches": (0,)}, "batch must be from 1 to 64, not 0"),
        ({"batches": (65,)}, "batch must be from 1 to 64, not 65"),
        ({"n_steps": (0,)}, "n_steps must be"),
        ({"rounds": 0}, "rounds must be from 1 to 1000, not 0"),
        ({"slice_seconds": 0.0}, "above 0 and at most 60, not 0"),
        ({"slice_seconds": float("nan")}, "not nan"),
    ],
)
def test_impossible_plans_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Plan(**changes)  # type: ignore[arg-type]


def test_interpreters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare_python: str) -> None:
    monkeypatch.setenv("DSQN_FAST_PEERS", str(tmp_path))
    here = interpreter("nest")
    own = tmp_path / "nest" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(bare_python)
    assert interpreter("nest") == str(own) != here
    assert interpreter("nest", {"nest": bare_python}) == bare_python
    with pytest.raises(OptionError, match="names no file"):
        interpreter("nest", {"nest": str(tmp_path / "none")})
    assert parse_interpreters(["nest=/x/python"]) == {"nest": "/x/python"}
    with pytest.raises(OptionError, match="takes PEER=PATH"):
        parse_interpreters(["nest"])


def test_trained_networks_are_used_where_they_lie(shared_data: Path) -> None:
    assert load_net("cartpole", folder=shared_data / "thesis").origin == "trained"


def test_the_nature_cnn_fires_at_eleven_percent() -> None:
    net = load_net("nature-cnn")
    counts = Engine(net.model).run(net.observations[:4]).spike_counts[:-1]
    for layer in counts:
        assert 0.10 < layer.mean() / net.model.n_steps < 0.12
    assert [layer[0].size for layer in counts] == [12800, 5184, 3136, 512]


def test_one_input_in_twenty_is_on_in_the_sparse_network() -> None:
    net = load_net("sparse")
    assert net.model.input_shape == (NETS["sparse"].widths[0],)
    assert 0.045 < net.observations.mean() < 0.055
