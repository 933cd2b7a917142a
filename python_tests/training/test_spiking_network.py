"""The trainable spiking network: equal to the reference, gradients as autograd has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dsqn_fast.engine import Engine
from dsqn_fast.errors import OptionError, UnsupportedError
from dsqn_fast.model import Neuron, Reset, Timing
from dsqn_fast.reference import simulate_reference

torch = pytest.importorskip("torch")

from plain_spiking_loop import plain_loop  # noqa: E402

from dsqn_fast.training.input_scaling import InputScaling  # noqa: E402
from dsqn_fast.training.spiking_network import SpikingNetwork  # noqa: E402
from dsqn_fast.training.surrogate import SURROGATES, Surrogate  # noqa: E402


def network(sizes: tuple[int, ...] = (5, 17, 13, 3), **options: Any) -> SpikingNetwork:
    torch.manual_seed(0)
    made = SpikingNetwork(sizes, **options).double()
    for bias in made.biases:
        torch.nn.init.normal_(bias, std=0.3)
    return made


def observations(count: int = 40, width: int = 5) -> Any:
    values = torch.randn(count, width, generator=torch.Generator().manual_seed(1))
    values[::7, 2] = 0.0
    return values.double()


@pytest.mark.parametrize("n_steps", [1, 2, 3, 20])
@pytest.mark.parametrize("reset", ["subtraction", "zero"])
@pytest.mark.parametrize("beta", [1.0, 0.9])
@pytest.mark.parametrize("timing", ["instant", "nest", "spytorch"])
def test_the_exact_forward_pass_is_the_reference_bit_for_bit(
    timing: Timing, beta: float, reset: Reset, n_steps: int
) -> None:
    net = network(
        neuron=Neuron(beta=beta, reset=reset),
        timing=timing,
        n_steps=n_steps,
        threshold=0.7,
        initial_potential=0.3,
    )
    seen = observations()
    done = net.simulate(seen, exact=True)
    model = net.to_spiking_model()
    expected = simulate_reference(model, seen.numpy(), precision="float64", record="all")
    np.testing.assert_array_equal(done.potential.detach().numpy(), expected.outputs)
    for layer, spikes in enumerate(done.spikes):
        found = spikes.detach().numpy().transpose(1, 0, 2)
        np.testing.assert_array_equal(found, expected.spikes[layer])
    if n_steps == 20:
        assert all(0.05 < float(spikes.detach().mean()) < 0.95 for spikes in done.spikes)
    # The fast way differs from it by the rounding of sums at most, where no spike moves.
    fast = net(seen).detach().numpy()
    np.testing.assert_allclose(fast, expected.q_values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("timing", ["instant", "nest", "spytorch"])
def test_potentials_before_the_reset_follow_from_those_of_the_reference(timing: Timing) -> None:
    net = network(timing=timing, n_steps=12)
    seen = observations()
    done = net.simulate(seen, exact=True)
    expected = simulate_reference(
        net.to_spiking_model(), seen.numpy(), precision="float64", record="all"
    )
    for layer, before in enumerate(done.potentials):
        kept = before.numpy() - (0 if timing == "spytorch" else done.spikes[layer].detach().numpy())
        np.testing.assert_array_equal(kept.transpose(1, 0, 2), expected.potentials[layer])


def test_the_exported_model_decides_alike_in_the_engine() -> None:
    net = network(timing="nest").float()
    seen = observations(200).float()
    result = Engine(net.to_spiking_model()).run(seen.numpy())
    outputs = net(seen).detach().numpy()
    assert np.mean(result.actions == outputs.argmax(axis=1)) > 0.98


@pytest.mark.parametrize("reset", ["subtraction", "zero"])
@pytest.mark.parametrize("beta", [1.0, 0.9])
@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("exact", [True, False])
def test_gradients_are_those_of_the_plain_loop(
    exact: bool, surrogate: str, beta: float, reset: Reset
) -> None:
    net = network(
        neuron=Neuron(beta=beta, reset=reset),
        surrogate=surrogate,
        n_steps=9,
        threshold=0.8,
        initial_potential=0.4,
    )
    seen = observations()
    wanted_out = plain_loop(net, seen)
    wanted = torch.autograd.grad(wanted_out.square().sum(), list(net.parameters()))
    out = net.simulate(seen, exact=exact).potential / net.n_steps
    found = torch.autograd.grad(out.square().sum(), list(net.parameters()))
    torch.testing.assert_close(out, wanted_out)
    for mine, other in zip(found, wanted, strict=True):
        assert float(other.abs().max()) > 0
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("timing", ["nest", "spytorch"])
@pytest.mark.parametrize("reset", ["subtraction", "zero"])
def test_gradients_of_delayed_timings_follow_their_equation(timing: Timing, reset: Reset) -> None:
    """G[t] = h[t] * dL/ds[t] + D[t] * G[t+1], written out for one neuron after another."""
    beta, steps = 0.8, 6
    net = network(neuron=Neuron(beta=beta, reset=reset), timing=timing, n_steps=steps)
    from dsqn_fast.training.spiking_dynamics import spike_train

    drive = torch.randn(5, 4, 3, dtype=torch.float64, requires_grad=True)
    spikes, potentials = spike_train(drive + 0.5, None, net.dynamics)
    weight = torch.randn(spikes.shape, dtype=torch.float64)
    (spikes * weight).sum().backward()
    h, s = net.dynamics.surrogate(potentials, 1.0), spikes.detach()
    following = torch.zeros(4, 3, dtype=torch.float64)
    assert drive.grad is not None
    for t in range(4, -1, -1):
        following = h[t] * weight[t] + beta * (1 - s[t] * (reset == "zero")) * following
        lost = s[t - 1] if timing == "spytorch" and reset == "zero" and t > 0 else 0.0
        torch.testing.assert_close(drive.grad[t], following * (1 - lost))
    assert 0 < float(s.mean()) < 1


@pytest.mark.parametrize(
    ("name", "scale", "expected"),
    [
        ("superspike", 100.0, lambda u: 1 / (100 * abs(u) + 1) ** 2),
        ("arctan", 2.0, lambda u: 1 / (1 + (np.pi * u) ** 2)),
        ("triangular", 1.0, lambda u: np.maximum(0, 1 - abs(u))),
        ("triangular", 2.0, lambda u: 2 * np.maximum(0, 1 - 2 * abs(u))),
    ],
)
def test_surrogates_follow_their_equations(name: str, scale: float, expected: Any) -> None:
    u = np.linspace(-2, 2, 81)
    chosen = Surrogate(name, scale)
    assert scale != 1 or Surrogate(name) == chosen
    np.testing.assert_allclose(chosen(torch.tensor(u + 0.5), 0.5).numpy(), expected(u), atol=1e-14)


def test_the_usual_scales() -> None:
    assert [Surrogate(name).scale for name in SURROGATES] == [100.0, 2.0, 1.0]


def test_scaled_observations_become_part_of_the_first_layer() -> None:
    net = network().float()
    scaling = InputScaling(mean=np.arange(5) / 9.0, scale=np.array([2.0, 0.5, 1.0, 3.0, 0.25]))
    plain = np.random.default_rng(2).normal(size=(50, 5))
    model = net.to_spiking_model(scaling=scaling, env_id="Some-v0", provenance={"a": 1})
    outputs = net(torch.from_numpy(scaling.apply(plain))).detach().numpy()
    found = simulate_reference(model, plain).q_values
    assert np.mean(np.abs(found - outputs) < 1e-5) > 0.95
    assert model.env_id == "Some-v0"
    assert model.provenance == {"a": 1}


def test_a_network_without_biases_keeps_them_at_zero() -> None:
    net = SpikingNetwork((3, 4, 2), biases=False)
    names = [name for name, parameter in net.named_parameters() if parameter.requires_grad]
    assert names == ["weights.0", "weights.1"]
    net(torch.randn(6, 3)).sum().backward()
    assert all(float(bias.abs().max()) == 0 for bias in net.biases)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sizes": (4, 2)}, OptionError, "at least 3 sizes"),
        ({"sizes": (4, 0, 2)}, OptionError, "a layer's size must be"),
        ({"n_steps": 0}, OptionError, "n_steps must be"),
        ({"timing": "nets"}, OptionError, "did you mean 'nest'"),
        ({"surrogate": "arctna"}, OptionError, "did you mean 'arctan'"),
        ({"threshold": 0.0}, OptionError, "threshold must be above 0"),
        ({"neuron": Neuron(alpha=0.5)}, UnsupportedError, "alpha 0"),
        ({"neuron": Neuron(spikes="burst")}, UnsupportedError, "binary spikes"),
    ],
)
def test_impossible_networks_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    sizes = options.pop("sizes", (4, 8, 2))
    with pytest.raises(error, match=message):
        SpikingNetwork(sizes, **options)


def test_a_surrogate_needs_a_width() -> None:
    with pytest.raises(OptionError, match="surrogate_scale must be above 0, not 0"):
        Surrogate("superspike", 0)
