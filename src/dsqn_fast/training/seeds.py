"""The same training with several seeds, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from dsqn_fast.errors import OptionError, OutputPathError, TrainingError
from dsqn_fast.importers.extras import import_extra
from dsqn_fast.run_options import check_seed
from dsqn_fast.training.run_folder import CONFIG, first_difference
from dsqn_fast.training.seed_process import SeedRun, Watch, run_seed

MOST_SEEDS: Final = 1000


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds as the command line has them: ``0,1,2`` or ``0-4``.

    Raises:
        OptionError: They are no such list, or one is given twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError:
            raise OptionError(
                f"seeds must be integers such as 0,1,2 or 0-4, not {text[:80]!r}"
            ) from None
        if high - low >= MOST_SEEDS:
            raise OptionError(f"at most {MOST_SEEDS} seeds are trained at once, not {part.strip()}")
        seeds.extend(check_seed(seed) for seed in range(low, high + 1))
    if not seeds or len(set(seeds)) < len(seeds):
        raise OptionError(f"seeds must be different from each other, at least one, not {text!r}")
    return tuple(seeds)


def run_seeds(
    words: Sequence[str],
    seeds: Sequence[int],
    *,
    root: Path,
    jobs: int | None = None,
    resume: bool = False,
    timeout: float | None = None,
    watch: Watch | None = None,
) -> tuple[SeedRun, ...]:
    """Run ``dsqn-fast train WORDS`` once per seed, each in a process of its own.

    A process that is refused, crashes, or takes too long loses its own seed only. Runs are those
    of the command itself: the same weights as with one seed at a time.

    Args:
        words: Words of the command but for seed and folder.
        seeds: The seeds.
        root: Folder of the run folders ``seed0``, ``seed1``, ...
        jobs: Processes at once; None for one per core.
        resume: Keep finished runs, go on with unfinished ones, start those that are missing.
        timeout: Seconds that each run may take here.
        watch: Told of evaluations as they come, from several threads.

    Returns:
        What became of each seed, in the order of ``seeds``.

    Raises:
        MissingExtraError: joblib is not installed.
        OptionError: ``jobs`` or ``timeout`` is out of range.
        OutputPathError: The folder cannot be made, or holds runs and ``resume`` is not set.
        TrainingError: Every seed failed, the message is that of the first; or runs that were
            there before have other settings.
    """
    joblib = import_extra("joblib", extra="train", needed_for="training with several seeds")
    if jobs is not None and (isinstance(jobs, bool) or jobs < 1):
        raise OptionError(f"jobs must be at least 1, not {jobs}")
    if timeout is not None and not timeout > 0:
        raise OptionError(f"timeout must be above 0 seconds, not {timeout}")
    folders = [root / f"seed{seed}" for seed in seeds]
    _prepare(root, folders, resume)
    # Threads, which only wait: a process of joblib's own that dies takes the others with it.
    parallel = joblib.Parallel(
        n_jobs=min(jobs or joblib.cpu_count(), len(folders)), prefer="threads"
    )
    runs: list[SeedRun] = parallel(
        joblib.delayed(run_seed)(
            words, seed, folder=folder, resume=resume, timeout=timeout, watch=watch
        )
        for seed, folder in zip(seeds, folders, strict=True)
    )
    if all(run.failure for run in runs):
        first = "" if len(runs) == 1 else f"all {len(runs)} seeds failed, seed {seeds[0]}: "
        raise TrainingError(f"{first}{runs[0].failure}")
    _check_alike([run for run in runs if run.result is not None])
    return tuple(runs)


def _prepare(root: Path, folders: Sequence[Path], resume: bool) -> None:
    """Make the folder of the folders; refuse to mix with other runs."""
    for folder in folders:
        if not resume and (folder / CONFIG).exists():
            raise OutputPathError(
                f"{str(folder)!r} already holds a run: go on with --resume, or choose another "
                "folder with --out"
            )
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputPathError(
            f"the folder {str(root)!r} cannot be made ({error.strerror}): choose another one with "
            "--out"
        ) from None


def _check_alike(runs: Sequence[SeedRun]) -> None:
    """Refuse to sum up runs with different settings."""

    def config(run: SeedRun) -> dict[str, Any]:
        found = json.loads((run.folder / CONFIG).read_text(encoding="utf-8"))
        return {key: value for key, value in found.items() if key not in ("seeds", "command")}

    first, *others = runs
    for run in others:
        difference = first_difference(config(first), config(run))
        if difference is not None:
            raise TrainingError(
                f"seed {first.seed} was trained with {difference} as seed {run.seed} was: keep "
                "runs with other settings in another folder"
            )
