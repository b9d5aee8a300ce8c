"""Model files of pixel networks: written and read again, converted faithfully, and refused if they are bad."""

import dataclasses

import jax
import numpy as np
import pytest

from recjax.io import tensor_file
from recjax.models.fixed_point import network as fixed_point
from recjax.models.fixed_point.network import LIMIT
from recjax.models.pixel_network import model as models
from recjax.models.pixel_network.context import num_inputs
from recjax.models.pixel_network.exact import outputs_of
from recjax.models.pixel_network.floats import num_parameters
from recjax.models.pixel_network.floats import outputs_of as float_outputs
from recjax.models.pixel_network.mixture import output_fraction_bits
from tests import pixel_networks


@pytest.mark.parametrize("channels", [1, 3])
def test_a_model_is_read_as_it_was_written(channels, tmp_path):
    model, path = pixel_networks.model(channels), tmp_path / "m.safetensors"
    models.save_model(path, models.with_card(model, {"data": "waves"}))
    loaded = models.load_model(path)
    assert loaded.digest == model.digest and loaded.name == model.name and loaded.metadata == {"data": "waves"}
    jax.tree.map(np.testing.assert_array_equal, loaded.channels, model.channels)


def test_the_digest_covers_every_integer():
    model = pixel_networks.model()
    channel = model.channels[1]
    changed = channel._replace(skip=channel.skip._replace(bias=channel.skip.bias + 1))
    assert dataclasses.replace(model, channels=(model.channels[0], changed, model.channels[2])).digest != model.digest
    assert dataclasses.replace(model, name="another").digest == model.digest


@pytest.mark.parametrize("channel", [0, 2])
def test_integers_follow_the_floats(channel):
    model, parameters = pixel_networks.model(), pixel_networks.parameters(3)
    inputs = np.random.default_rng(3).normal(size=(200, num_inputs(3, channel)))
    exact = outputs_of(model.networks[channel], np.rint(inputs * 4096).astype(np.int32))
    real = float_outputs(parameters[f"channel{channel}"], inputs.astype(np.float32))
    np.testing.assert_allclose(np.asarray(exact) / 2.0 ** output_fraction_bits(), real, atol=0.01)


@pytest.mark.parametrize("channel", [0, 2])
def test_prepared_networks_give_the_same_integers(channel):
    own, prepared = pixel_networks.model().channels[channel], pixel_networks.model().networks[channel]
    inputs = np.random.default_rng(4).integers(-LIMIT, LIMIT + 1, (300, num_inputs(3, channel))).astype(np.int32)
    expected = fixed_point.apply(own.network, inputs) + fixed_point.affine(own.skip, inputs)
    np.testing.assert_array_equal(outputs_of(prepared, inputs), np.clip(expected, -LIMIT, LIMIT))
    assert [layer.weight_low is None for layer in prepared.layers] == [False, True, False]


def test_parameters_are_counted():
    leaves = jax.tree.leaves(pixel_networks.parameters(3))
    assert num_parameters(3, pixel_networks.HIDDEN) == sum(leaf.size for leaf in leaves)


def _swap(tensors, document):
    tensors["0.skip.weight_high"] = tensors["0.skip.weight_high"][:-1]


def _float(tensors, document):
    tensors["0.skip.bias"] = tensors["0.skip.bias"].astype(np.float32)


def _missing(tensors, document):
    del tensors["1.layers.1.shift"]


def _extra(tensors, document):
    tensors["3.skip.bias"] = tensors["0.skip.bias"]


def _overflow(tensors, document):
    tensors["2.layers.0.bias"] = np.full_like(tensors["2.layers.0.bias"], 2**31 - 1)


def _shift(tensors, document):
    tensors["2.layers.0.shift"] = np.full_like(tensors["2.layers.0.shift"], 31)


def _four(tensors, document):
    document["channels"] = 4


def _two(tensors, document):
    document["channels"] = 2


def _name(tensors, document):
    document["name"] = "a/b"


def _digest(tensors, document):
    tensors["0.skip.bias"] = tensors["0.skip.bias"] + 1


def _kind(tensors, document):
    document["kind"] = "representations"


FAULTS = (_swap, _float, _missing, _extra, _overflow, _shift, _four, _two, _name, _digest, _kind)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__[1:])
def test_bad_models_are_refused_in_a_sentence(fault, tmp_path):
    path = tmp_path / "m.safetensors"
    models.save_model(path, pixel_networks.model())
    tensors, document = tensor_file.read(path)
    tensors, document = dict(tensors), dict(document)
    fault(tensors, document)
    tensor_file.write(path, tensors, document)
    with pytest.raises(ValueError, match=r"m\.safetensors"):
        models.load_model(path)


def test_a_name_that_is_no_model_is_refused():
    with pytest.raises(ValueError, match="there is no pixel network 'nothing'"):
        models.load_model("nothing")
    with pytest.raises(ValueError, match="no released pixel network has the digest"):
        models.find_model("0" * 16)
