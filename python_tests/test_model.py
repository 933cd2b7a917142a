"""Every dataclass of dsqn_fast.model accepts what it should and refuses the rest."""

from __future__ import annotations

import contextlib
import enum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import models_equal, spiking_models

from dsqn_fast.errors import DsqnError, ModelError, ObservationError, OptionError
from dsqn_fast.model import (
    AnnModel,
    AveragePool2d,
    Conv2d,
    Dense,
    EarlyExit,
    Flatten,
    Neuron,
    SpikingLayer,
    SpikingModel,
)

HUGE = 10**5000


def zeros(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.zeros(shape, dtype)


def dense(n_in: int = 2, n_out: int = 3) -> Dense:
    return Dense(weight=zeros(n_in, n_out), bias=zeros(n_out))


def conv(*shape: int, **options: Any) -> Conv2d:
    return Conv2d(weight=zeros(*shape), bias=zeros(shape[-1]), **options)


def ann(**changes: Any) -> AnnModel:
    return AnnModel(**({"layers": (dense(),), "input_shape": (2,)} | changes))


def spiking(**changes: Any) -> SpikingModel:
    layers = (SpikingLayer(connection=dense()),)
    return SpikingModel(**({"layers": layers, "input_shape": (2,), "n_steps": 4} | changes))


PARAMETERS = [
    ({"weight": [[0.0]]}, "weight must be a float32 or float64 array, not 'list'"),
    ({"weight": None}, "not 'NoneType'"),
    ({"weight": zeros(2, 3, dtype=np.int64)}, "not dtype.'int64'"),
    ({"weight": zeros(2, 3, dtype=np.float16)}, "not dtype.'float16'"),
    ({"weight": zeros(2, 3, dtype=">f4")}, "not dtype.'>f4'"),
    ({"weight": zeros(2, 3, dtype=object)}, "not dtype.'O'"),
    ({"weight": zeros(2)}, r"weight must have 2 dimensions, not shape \(2,\)"),
    ({"bias": zeros(3, 1)}, r"bias must have 1 dimensions, not shape \(3, 1\)"),
    ({"bias": zeros(4)}, "weight has 3 outputs but bias has 4"),
    ({"bias": 0.0}, "not 'float'"),
    ({"weight": zeros(2, 3) + np.nan}, "contains NaN or infinity"),
    ({"bias": zeros(3) - np.inf}, "contains NaN or infinity"),
]


@pytest.mark.parametrize(("changes", "message"), PARAMETERS)
def test_dense_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Dense(**({"weight": zeros(2, 3), "bias": zeros(3)} | changes))


PAIRS = [(1,), (1, 2, 3), 2, None, "12", (0, 1), (1, -1), (1.0, 1), (True, 1), (1, HUGE), {1, 2}]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: str(type(pair)))
def test_pairs_of_integers_are_checked(pair: Any) -> None:
    for build in (
        lambda: conv(1, 1, 1, 1, stride=pair),
        lambda: AveragePool2d(kernel=pair, stride=(1, 1)),
        lambda: AveragePool2d(kernel=(1, 1), stride=pair),
    ):
        with pytest.raises(ModelError, match=r"(stride|kernel)"):
            build()
    if pair != (0, 1):
        with pytest.raises(ModelError, match="padding"):
            conv(1, 1, 1, 1, padding=pair)


def test_lists_and_numpy_integers_become_plain() -> None:
    layer = conv(2, 2, 1, 1, stride=[np.int64(2), 1], padding=[0, np.uint8(1)])
    assert layer.stride == (2, 1)
    assert type(layer.stride[0]) is int
    assert layer.padding == (0, 1)
    model = spiking(layers=[SpikingLayer(connection=dense())], input_shape=[np.int32(2)])
    assert type(model.layers) is tuple
    assert model.input_shape == (2,)
    assert type(model.input_shape[0]) is int
    assert type(spiking(n_steps=np.int64(3)).n_steps) is int
    assert spiking(channels_first=np.True_).channels_first is True


def test_convolutions_refuse_kernels_and_images_that_do_not_fit() -> None:
    with pytest.raises(ModelError, match=r"a kernel must be at least 1 x 1, not \(0, 2\)"):
        conv(0, 2, 1, 1)
    with pytest.raises(ModelError, match="4 dimensions"):
        conv(2, 2)
    with pytest.raises(ModelError, match=r"kernel of \(3, 3\) does not fit an image of \(2, 9\)"):
        conv(3, 3, 1, 1).output_shape((2, 9, 1))
    with pytest.raises(ModelError, match="over 2 channels is given 1"):
        conv(1, 1, 2, 1).output_shape((4, 4, 1))
    with pytest.raises(ModelError, match=r"an image .* is needed, not shape \(4,\)"):
        AveragePool2d(kernel=(1, 1), stride=(1, 1)).output_shape((4,))
    with pytest.raises(ModelError, match=r"takes 2 inputs, but is given \(3,\)"):
        dense().output_shape((3,))


def test_output_shapes() -> None:
    assert conv(3, 2, 4, 5, stride=(2, 1), padding=(1, 0)).output_shape((7, 6, 4)) == (4, 5, 5)
    assert AveragePool2d(kernel=(2, 3), stride=(2, 2)).output_shape((6, 7, 3)) == (3, 3, 3)
    assert Flatten().output_shape((2, 3, 4)) == (24,)
    assert dense(0, 1).output_shape((0,)) == (1,)


SHAPES = [2, None, "2", (), (2, 2), (1, 2, 3, 4), (-1,), (2.0,), (True,), (None,), (HUGE,), {2}]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: str(type(shape)))
@pytest.mark.parametrize("build", [ann, spiking])
def test_input_shape_is_checked(build: Any, shape: Any) -> None:
    with pytest.raises(ModelError, match="input_shape"):
        build(input_shape=shape)


LAYERS: list[Any] = [
    *(None, 3, "layers", np.zeros(3), {}, (), [], (None,), (np.zeros(3),), (Dense,)),
    (Flatten(),),
    (AveragePool2d(kernel=(1, 1), stride=(1, 1)),),
]


@pytest.mark.parametrize("layers", LAYERS, ids=lambda layers: str(type(layers)))
@pytest.mark.parametrize("build", [ann, spiking])
def test_layers_are_checked(build: Any, layers: Any) -> None:
    with pytest.raises(ModelError, match=r"layer"):
        build(layers=layers)


def test_layers_of_the_other_model_are_refused() -> None:
    with pytest.raises(ModelError, match="layer 0 must be one of Dense, Conv2d"):
        ann(layers=(SpikingLayer(connection=dense()),))
    with pytest.raises(ModelError, match="layer 0 must be one of SpikingLayer"):
        spiking(layers=(dense(),))
    with pytest.raises(ModelError, match=r"layer 1: .* takes 2 inputs, but is given \(3,\)"):
        ann(layers=(dense(), dense()))
    with pytest.raises(ModelError, match="at least 1 output, not 0"):
        ann(layers=(dense(2, 0),))
    with pytest.raises(ModelError, match="at least 1 output, not 0"):
        spiking(layers=(SpikingLayer(connection=dense(2, 0)),))


def test_layers_of_more_neurons_than_any_machine_simulates_are_refused() -> None:
    wide = conv(1, 1, 1, 1, padding=(2**20, 2**20))
    with pytest.raises(ModelError, match="more than 67108864 values"):
        ann(layers=(wide,), input_shape=(1, 1, 1))
    with pytest.raises(ModelError, match="more than 67108864 values"):
        spiking(layers=(SpikingLayer(connection=wide),), input_shape=(1, 1, 1))


@pytest.mark.parametrize("name", ["channels_first", "two_output_neurons"])
@pytest.mark.parametrize("value", [None, 0, 1, "True", [], np.zeros(2)], ids=str)
def test_flags_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ModelError, match=f"{name} must be True or False"):
        spiking(**{name: value})


@pytest.mark.parametrize("build", [ann, spiking])
@pytest.mark.parametrize("value", [3, "", "a\nb", "\x1b[31m", b"CartPole-v1", []], ids=repr)
def test_env_id_is_checked(build: Any, value: Any) -> None:
    with pytest.raises(ModelError, match="env_id must be printable text or None"):
        build(env_id=value)


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


BAD_JSON = [
    *([], "text", 3, {1: 2}, {"a": {None: 1}}, {"a": {1, 2}}, {"a": b"x"}, {"a": np.zeros(2)}),
    *({"a": float("nan")}, {"a": [np.float32("inf")]}, {"a": HUGE}, {"a": 2**256}),
    *({"a": "\ud800"}, {"\udfff": 1}, {"a": nested(40)}, {"a": nested(10_000)}, {"a": object()}),
]


@pytest.mark.parametrize("build", [ann, spiking])
@pytest.mark.parametrize("name", ["provenance", "preprocessing"])
@pytest.mark.parametrize("value", BAD_JSON, ids=lambda value: str(type(value)))
def test_json_values_are_checked(build: Any, name: str, value: Any) -> None:
    with pytest.raises(ModelError, match=name):
        build(**{name: value})


def test_json_values_are_copied_to_plain_ones() -> None:
    colour = enum.StrEnum("Colour", {"RED": "red"})
    given_values = {"a": (1, np.int8(2)), "b": np.float32(0.5), "c": np.True_, "d": colour.RED}
    model = spiking(provenance=MappingProxyType(given_values))
    assert models_equal(model.provenance, {"a": [1, 2], "b": 0.5, "c": True, "d": "red"})
    given_values["e"] = 1
    assert "e" not in model.provenance


NUMBERS = [None, "1", [1.0], np.zeros(2), True, float("nan"), float("-inf"), 1j, HUGE]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: str(type(value)))
@pytest.mark.parametrize("name", ["alpha", "beta", "burst_limit"])
def test_numbers_of_a_neuron_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ModelError, match=name):
        Neuron(**{name: value})


@pytest.mark.parametrize("value", [*NUMBERS, 0, -1.0], ids=lambda value: str(type(value)))
@pytest.mark.parametrize("name", ["kappa", "spread"])
def test_numbers_of_an_early_exit_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ModelError, match=name):
        EarlyExit(**({"kappa": 1.0, "spread": 1.0} | {name: value}))


def test_ranges_of_a_neuron() -> None:
    for changes in ({"alpha": 1.0}, {"alpha": -0.1}, {"beta": 0.0}, {"beta": 1.1}):
        with pytest.raises(ModelError, match=f"{next(iter(changes))} must be"):
            Neuron(**changes)
    for limit in (0, 128, 2.0):
        with pytest.raises(ModelError, match="burst_limit must be"):
            Neuron(burst_limit=limit)  # type: ignore[arg-type]
    for spikes in ("burst", "signed"):
        with pytest.raises(ModelError, match=f"{spikes} spikes need reset 'subtraction'"):
            Neuron(spikes=spikes, reset="zero")  # type: ignore[arg-type]
    plain = Neuron(alpha=0, beta=np.float32(0.5), burst_limit=np.int8(3))
    assert [type(v) for v in (plain.alpha, plain.beta, plain.burst_limit)] == [float, float, int]


@pytest.mark.parametrize("value", [None, 3, "", "Potential", ["potential"], np.zeros(3), b"zero"])
def test_words_are_checked(value: Any) -> None:
    for name in ("timing", "encoding", "decoding"):
        with pytest.raises(OptionError, match=f"{name} must be one of "):
            spiking(**{name: value})
    for name in ("reset", "spikes"):
        with pytest.raises(OptionError, match=f"{name} must be one of "):
            Neuron(**{name: value})


def test_a_mistyped_word_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="not 'potentail'; did you mean 'potential'"):
        spiking(decoding="potentail")


N_STEPS = [0, -1, 2**24 + 1, 2**40, HUGE, True, np.True_, 1.0, "1", None, [1], zeros(2)]


@pytest.mark.parametrize("value", N_STEPS, ids=lambda value: str(type(value)))
def test_n_steps_is_checked(value: Any) -> None:
    with pytest.raises(OptionError, match="n_steps must be an integer from 1 to 16777216, not"):
        spiking(n_steps=value)


POPULATIONS = [
    ({"connection": None}, "connection must be Dense or Conv2d, not None"),
    ({"connection": Flatten()}, "connection must be Dense or Conv2d"),
    ({"threshold": zeros(3)}, "threshold must be above 0, but its smallest is 0"),
    ({"threshold": -zeros(3) - 1}, "threshold must be above 0, but its smallest is -1"),
    ({"scale": 0.0}, "scale must be above 0"),
    ({"threshold": zeros(2) + 1}, r"threshold must have shape \(\) or \(3,\), not \(2,\)"),
    ({"threshold": zeros(3, 1) + 1}, "must have shape"),
    ({"initial_potential": zeros(3) + np.nan}, "initial_potential contains NaN or infinity"),
    ({"scale": np.inf}, "scale contains NaN or infinity"),
    ({"threshold": "high"}, "threshold must be float32 or float64, not <U4"),
    ({"threshold": None}, "threshold must be float32 or float64, not object"),
    ({"threshold": 1}, "threshold must be float32 or float64, not int64"),
    ({"scale": [[1.0], [1.0, 2.0]]}, "scale must be one array of floats"),
]


@pytest.mark.parametrize(("changes", "message"), POPULATIONS)
def test_spiking_layer_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SpikingLayer(**({"connection": dense()} | changes))


def test_spiking_layer_defaults() -> None:
    layer = SpikingLayer(connection=dense())
    found = [layer.threshold, layer.initial_potential, layer.scale]
    assert models_equal(found, [np.full((), value, np.float32) for value in (1, 0, 1)])


COMBINATIONS = [
    ({"two_output_neurons": True}, "two_output_neurons needs decoding 'count', not 'potential'"),
    ({"timing": "spytorch", "neuron": Neuron(spikes="burst")}, "has binary spikes only"),
    (
        {"decoding": "count", "early_exit": EarlyExit(kappa=1, spread=1)},
        "early exit needs decoding 'potential', not 'count'",
    ),
    ({"neuron": None}, "neuron must be of type Neuron, not None"),
    ({"neuron": {"alpha": 0.5}}, "neuron must be of type Neuron"),
    ({"early_exit": 1.0}, "early_exit must be of type EarlyExit"),
    ({"source": dense()}, "source must be of type AnnModel"),
    ({"source": ann(layers=(dense(2, 4),))}, r"maps \(2,\) to 3 outputs .* maps \(2,\) to 4"),
]


@pytest.mark.parametrize(("changes", "message"), COMBINATIONS)
def test_spiking_model_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        spiking(**changes)


def test_source_that_takes_images_the_other_way_round_is_refused() -> None:
    layers = (conv(1, 1, 3, 2),)
    source = AnnModel(layers=layers, input_shape=(4, 5, 3), channels_first=True)
    with pytest.raises(ModelError, match=r"takes observations of \(4, 5, 3\).*takes \(3, 4, 5\)"):
        spiking(layers=(SpikingLayer(connection=layers[0]),), input_shape=(4, 5, 3), source=source)


def test_forward_is_relu_after_all_but_the_last_layer() -> None:
    first = Dense(weight=np.array([[1.0, -1.0]]), bias=np.zeros(2))
    last = Dense(weight=np.array([[2.0], [3.0]]), bias=np.array([-1.0]))
    network = ann(layers=(first, last), input_shape=(1,))
    outputs = network.forward(np.array([[2.0], [-2.0], [0.0]]))
    np.testing.assert_array_equal(outputs, [[3.0], [5.0], [-1.0]])
    assert [a.dtype for a in network.activations(np.array([1.0], np.float32))] == [np.float32] * 2
    with pytest.raises(ObservationError, match=r"must have shape \(B, 1\)"):
        network.forward(np.zeros((2, 2)))


def test_replace_validates_again() -> None:
    assert spiking().replace(n_steps=7).n_steps == 7
    with pytest.raises(OptionError, match="n_steps"):
        spiking().replace(n_steps=0)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.integers() | st.none(), max_size=4),
    st.dictionaries(st.text(max_size=3), st.none() | st.floats(), max_size=2),
    st.sampled_from([np.zeros(2), np.zeros((2, 3), "c8"), np.array([{}]), object(), int]),
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.data(), model=spiking_models(), value=ANYTHING)
def test_a_wrong_value_anywhere_is_refused_or_valid(
    data: st.DataObject, model: SpikingModel, value: object
) -> None:
    parts = [model, model.neuron, *model.layers]
    parts += [layer.connection for layer in model.populations]
    parts += [part for part in (model.source, model.early_exit) if part is not None]
    part = data.draw(st.sampled_from(parts))
    names = list(part.__dataclass_fields__)
    if not names:
        return
    arguments = {name: getattr(part, name) for name in names}
    arguments[data.draw(st.sampled_from(names))] = value
    with contextlib.suppress(DsqnError):
        type(part)(**arguments)  # type: ignore[arg-type]
