"""Fine-tuning a source network for few time steps, by imitating itself while rounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dsqn_fast.importers.extras import import_extra
from dsqn_fast.model import AnnModel
from dsqn_fast.model.options import check_n_steps
from dsqn_fast.run_options import check_seed

if TYPE_CHECKING:
    from dsqn_fast.training.imitation import ImitationOptions


@dataclass(frozen=True, kw_only=True, eq=False)
class FineTuning:
    """A fine-tuned network.

    Attributes:
        ann: The network; its provenance says how it was made.
        before: Share of validation states with the source's action when the source itself is
            rounded to ``n_steps`` levels.
        after: The same of the fine-tuned network.
        n_steps: Levels, which are time steps after conversion.
    """

    ann: AnnModel
    before: float
    after: float
    n_steps: int

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values, without the network."""
        return {"before": self.before, "after": self.after, "n_steps": self.n_steps}


def finetune_qcfs(
    ann: AnnModel,
    observations: NDArray[Any],
    *,
    n_steps: int,
    seed: int = 0,
    options: ImitationOptions | None = None,
) -> FineTuning:
    """Fine-tune a network so that it keeps its actions when it becomes spikes.

    Its activations are rounded to L = ``n_steps`` levels (quantisation-clip-floor-shift, Bu et
    al. 2022, with the scales that `channel` normalisation will take) and its weights are taught
    the source's greedy actions by cross-entropy. Outputs keep their order, not their meaning:
    they are no Q-values afterwards. Convert the result with ``channel`` and start ``half``.

    Args:
        ann: The source network.
        observations: (B, *shape) that it visits, episode after episode.
        n_steps: Time steps that it will be converted for.
        seed: Seed of the order of the states.
        options: How long and how fast; None for the defaults.

    Raises:
        MissingExtraError: torch is not installed.
        ObservationError: They do not fit, or are too few.
        TrainingError: The loss is not finite.
    """
    import_extra("torch", extra="train", needed_for="fine-tuning")
    from dsqn_fast.training.imitation import ImitationOptions, Lessons, imitate

    check_n_steps(n_steps)
    options = options or ImitationOptions()
    outputs = ann.forward(observations)
    lessons = Lessons.share_out(observations, outputs.argmax(axis=1), options.validation_share)
    result = imitate(
        ann,
        lessons,
        options=options,
        levels=n_steps,
        sharpness=_sharpness(outputs),
        seed=check_seed(seed),
    )
    note = {
        "method": "qcfs", "n_steps": n_steps, "seed": seed, "observations": len(observations),
        "before": result.accuracies[0], "after": result.accuracy, "epoch": result.epoch,
    }  # fmt: skip
    return FineTuning(
        ann=replace(result.ann, provenance={**ann.provenance, "fine_tuned": note}),
        before=result.accuracies[0],
        after=result.accuracy,
        n_steps=n_steps,
    )


def _sharpness(outputs: NDArray[np.floating]) -> float:
    """1 / median gap between best and second output, so that ordinary gaps become logits of 1."""
    if outputs.shape[1] < 2:
        return 1.0
    ordered = np.sort(outputs.astype(np.float64), axis=1)
    gap = float(np.median(ordered[:, -1] - ordered[:, -2]))
    spread = float(outputs.std())
    return 1.0 / max(gap, 1e-6 * spread, 1e-12)
