"""A run that would take far too long; `python -m interrupted_run KIND THREADS` waits for Ctrl-C.

Prints "running" once the simulation has begun.
"""

from __future__ import annotations

import itertools
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
from simulators import dense_model

from dsqn_fast.engine import Engine
from dsqn_fast.model import MAX_STEPS, Conv2d, SpikingLayer, SpikingModel


def _model(sizes: tuple[int, ...], **options: Any) -> Any:
    weights = [np.full((a, b), 1.0 / max(a, 1)) for a, b in itertools.pairwise(sizes)]
    return dense_model(weights, **options)


def _image_model() -> SpikingModel:
    """A convolution that takes seconds per 64 steps, after one whose neurons all spike."""
    shapes = [(1, 1, 1, 256), (3, 3, 256, 256)]
    layers = tuple(
        SpikingLayer(connection=Conv2d(weight=np.ones(shape), bias=np.zeros(shape[3])))
        for shape in shapes
    )
    return SpikingModel(layers=layers, input_shape=(60, 60, 1), n_steps=MAX_STEPS)


# Kind: model, decisions. Each takes minutes at least, wherever its time goes.
KINDS: dict[str, Any] = {
    "long": lambda: (_model((4, 64, 64, 2), n_steps=MAX_STEPS), 1),
    "wide": lambda: (_model((4, 3000, 3000, 2), n_steps=MAX_STEPS), 2),
    "batch": lambda: (_model((4, 64, 64, 2), n_steps=1000), 200_000),
    "inputs": lambda: (_model((20_000, 512), n_steps=1), 2_000),
    "image": lambda: (_image_model(), 1),
    "poisson": lambda: (_model((200_000, 2), n_steps=MAX_STEPS, encoding="poisson"), 2),
}


def main() -> None:
    """Run one kind on a number of threads."""
    signal.alarm(300)  # the end, should the test that waits for it be ended first
    model, batch = KINDS[sys.argv[1]]()
    engine = Engine(model, n_threads=int(sys.argv[2]))
    row = np.ones((1, *model.input_shape), np.float32)
    observations = np.repeat(row, batch, axis=0)

    def announce() -> None:
        time.sleep(0.3)
        print("running", flush=True)

    threading.Thread(target=announce, daemon=True).start()
    engine.run(observations)
    print("finished", flush=True)


if __name__ == "__main__":
    main()
