"""Where cells are computed: processes of this machine, or a Ray cluster."""

from dsqn_fast.studies.executors.executor import EXECUTORS, Executor, check_executor, make_executor

__all__ = ["EXECUTORS", "Executor", "check_executor", "make_executor"]
