"""Sources of `convert`, and the routes that make them easier to convert; torch only if asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsqn_fast.cli.sources import load_source

if TYPE_CHECKING:
    from dsqn_fast.conversion.auto import Route
    from dsqn_fast.model import AnnModel


def prepare_source(
    source: str,
    *,
    env_id: str | None,
    options: Mapping[str, Any],
    observations: Path | None,
    may_distill: bool,
    n_steps: int,
    seed: int,
) -> tuple[AnnModel, dict[str, Any] | None]:
    """The network to convert, and how it was taught where it is a classifier of a refused one.

    Raises:
        As `load_source`; with ``may_distill`` as `dsqn_fast.training.routes.load_or_distill`.
    """
    from dsqn_fast.model_io import is_policy_file

    if not may_distill or is_policy_file(source):
        return load_source(source, env_id=env_id, options=options), None
    from dsqn_fast.cli.source_options import refuse_source_options
    from dsqn_fast.training.routes import load_or_distill

    refuse_source_options(options, "with --distill the source is read as its file says")
    ann, taught = load_or_distill(
        source, env_id=env_id, observations=observations, n_steps=n_steps, seed=seed
    )
    return ann, None if taught is None else taught.to_dict()


def fine_tuning_routes(*, qcfs: bool, distill: bool) -> list[Route]:
    """The routes asked for, in the order in which they are tried."""
    if not (qcfs or distill):
        return []
    from dsqn_fast.training.routes import distill_route, qcfs_route

    return [*([qcfs_route()] if qcfs else []), *([distill_route()] if distill else [])]
