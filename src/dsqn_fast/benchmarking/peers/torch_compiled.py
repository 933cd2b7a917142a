"""`torch.compile` of the loop: some steps are unrolled and compiled, and called until T."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dsqn_fast.benchmarking.peers.torch_loop import TorchLoop
from dsqn_fast.model.spiking import SpikingModel

if TYPE_CHECKING:
    import torch

UNROLLED: Final = 10
"""Steps per compiled function; all of them would take minutes to compile."""


class TorchCompiled(TorchLoop):
    """The PyTorch loop through Inductor."""

    title = "torch.compile of the loop"

    def prepare(self, model: SpikingModel, n_steps: int, batch: int) -> None:
        """Compile for this batch; done when it decides first."""
        import torch

        super().prepare(model, n_steps, batch)
        torch.compiler.reset()
        self._compiled = torch.compile(self._several_steps, fullgraph=True, dynamic=False)

    def _several_steps(self, constant: torch.Tensor, v: list[torch.Tensor]) -> list[torch.Tensor]:
        for _ in range(UNROLLED):
            v = self._step(constant, v)
        return v

    def _loop(self, constant: torch.Tensor, v: list[torch.Tensor]) -> list[torch.Tensor]:
        # Real arrays, as the steps return them: one shape, one compilation.
        v = [layer.full_start.repeat_interleave(len(constant), 0) for layer in self._layers]
        v = self._first_steps(constant, v)
        for _ in range(self._n_steps // UNROLLED):
            v = self._compiled(constant, v)
        return v

    def _first_steps(self, constant: torch.Tensor, v: list[torch.Tensor]) -> list[torch.Tensor]:
        for _ in range(self._n_steps % UNROLLED):
            v = self._step(constant, v)
        return v
