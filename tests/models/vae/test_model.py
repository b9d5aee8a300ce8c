"""Model files, their digests, and the integers that a decoder computes from a model."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.io import tensor_file
from recjax.models.fixed_point.convert import convert
from recjax.models.likelihoods import tables as likelihood_tables
from recjax.models.vae import evaluate as models


def make_small(name="small", seed=0, pixels=6, latents=2, **changes):
    rng = np.random.default_rng(seed)

    def network(inputs, outputs, bits, input_bits):
        layers = [
            (rng.normal(size=(inputs, 8)), rng.normal(size=8)),
            (rng.normal(size=(8, outputs)), np.zeros(outputs)),
        ]
        calibration = rng.normal(size=(20, inputs))
        return convert(layers, calibration, input_fraction_bits=input_bits, output_fraction_bits=np.array(bits))

    options = {
        "image_shape": (2, 3),
        "levels": 17,
        "likelihood_name": "beta_binomial",
        "kl_bits": np.array([1024, 3000]),
        "intervals": np.array([2, 8]),
        "index_counts": {"orc": np.array([3, 2, 1])},
        "metadata": {"data": "noise"},
        **changes,
    }
    posterior_bits = [12] if options.get("posterior_name") == "isokl" else [12, 8]
    bits = np.repeat(posterior_bits, latents)
    inference = network(pixels, len(bits), bits, models.pixel_fraction_bits(17))
    generative = network(latents, 2 * pixels, [8] * (2 * pixels), 12)
    return models.make_model(name, inference, generative, **options)


@pytest.fixture(scope="module")
def small():
    return make_small()


def test_a_file_holds_the_whole_model(small, tmp_path):
    path = tmp_path / "small.safetensors"
    models.save_model(path, small)
    loaded = models.load_model(path)
    assert loaded.digest == small.digest and len(small.digest) == 64
    for a, b in zip(jax.tree.leaves(small), jax.tree.leaves(loaded), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (loaded.name, loaded.image_shape, loaded.levels, loaded.metadata) == ("small", (2, 3), 17, {"data": "noise"})


def test_digest_names_what_decoding_depends_on(small):
    assert make_small(name="other", metadata={}).digest == small.digest
    different = [
        make_small(seed=1),
        make_small(levels=16),
        make_small(intervals=np.array([2, 7])),
        make_small(kl_bits=np.array([1024, 3001])),
        models.with_index_counts(small, {"orc": np.array([3, 2, 2])}),
        models.with_index_counts(small, {"pfr": np.array([3, 2, 1])}),
    ]
    assert len({small.digest, *(model.digest for model in different)}) == 1 + len(different)


def test_outputs_are_the_same_alone_in_a_batch_and_compiled(small):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.integers(0, 17, (40, 6)), jnp.uint8)
    z = jnp.asarray(rng.normal(size=(40, 2)) * 2**26, jnp.int32)
    posterior, pixel_distributions = jax.jit(models.posterior), jax.jit(models.pixel_distributions)
    mean, log2_scale = posterior(small, x)
    rows = pixel_distributions(small, z, x)
    assert mean.dtype == log2_scale.dtype == rows.dtype == jnp.int32
    assert rows.shape == (40, 6) and int(rows.max()) < len(likelihood_tables.beta_binomial_rows(16))
    single = [models.posterior(small, x[3]), posterior(small, x[3:4])]
    for found in single:
        np.testing.assert_array_equal(found[0].ravel(), mean[3])
        np.testing.assert_array_equal(found[1].ravel(), log2_scale[3])
    np.testing.assert_array_equal(models.pixel_distributions(small, z[3], x[3]), rows[3])
    floats = models.posterior_floats(small, x)
    np.testing.assert_allclose(floats[0] * 4096, mean)
    np.testing.assert_allclose(np.log2(floats[1]) * 256, log2_scale, atol=1e-2)


ISOKL = {"posterior_name": "isokl", "kappa_nats_q16": np.array([2**15, 3 * 2**16])}


def test_an_isokl_model_is_for_encoders_that_search(small, tmp_path):
    model = make_small(**ISOKL)
    models.save_model(tmp_path / "m.safetensors", model)
    loaded = models.load_model(tmp_path / "m.safetensors")
    assert loaded.digest == model.digest and loaded.posterior_name == "isokl"
    np.testing.assert_array_equal(loaded.kappa_nats_q16, model.kappa_nats_q16)
    assert make_small(**{**ISOKL, "kappa_nats_q16": np.array([2**15, 2**16])}).digest != model.digest
    assert "posterior" not in models.decoding_document(small) and "kappa_nats_q16" not in models.model_tensors(small)
    x = jnp.asarray(np.random.default_rng(0).integers(0, 17, (40, 6)), jnp.uint8)
    mean, scale = np.float64(jax.jit(models.posterior_floats)(loaded, x))
    assert mean.shape == (40, 2) and np.ptp(mean) > 0
    assert np.allclose(0.5 * (scale**2 + mean**2 - 1) - np.log(scale), [0.5, 3.0], rtol=1e-5)
    with pytest.raises(ValueError, match=r"bits-back needs a normal posterior in integers.*'small'.*'isokl'; send"):
        models.posterior(loaded, x)


def test_a_second_model_of_the_same_shape_compiles_nothing(small):
    traces = []

    @jax.jit
    def rows(model, z):
        traces.append(1)
        return models.pixel_outputs(model, z)

    z = jnp.zeros((1, 2), jnp.int32)
    rows(small, z)
    rows(make_small(seed=5), z)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": (2, 4)}, "inference network"),
        ({"intervals": np.array([2])}, "for each latent"),
        ({"intervals": np.array([0, 2])}, "1 or more intervals"),
        ({"likelihood_name": "bernoulli"}, "2 levels"),
        ({"likelihood_name": "bernoulli", "levels": 2}, "generative network"),
        ({"posterior_name": "laplace"}, "a posterior 'laplace' that does not fit"),
        ({"kappa_nats_q16": np.array([1, 2])}, "does not fit its tensors"),
        ({**ISOKL, "kappa_nats_q16": None}, "does not fit its tensors"),
        ({**ISOKL, "kappa_nats_q16": np.array([0, 2])}, "kappa above 0"),
        ({**ISOKL, "kappa_nats_q16": np.array([2**30, 2])}, "up to 7.5 nats"),
        ({**ISOKL, "kappa_nats_q16": np.array([2])}, "for each latent; convert"),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make_small(**changes)


def test_bad_files_are_refused(small, tmp_path):
    path = tmp_path / "m.safetensors"
    models.save_model(path, small)
    good = path.read_bytes()
    for bad, message in (
        (good[: len(good) // 2], "whole safetensors"),
        (b"", "whole safetensors"),
        (good[:-5] + bytes([good[-5] ^ 1]) + good[-4:], "digest|usable"),
    ):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=message):
            models.load_model(path)
    tensor_file.write(path, {"x": np.zeros(3)}, {"format": 1})
    with pytest.raises(ValueError, match="usable model"):
        models.load_model(path)
    tensor_file.write(path, {"x": np.zeros(3)}, {"format": 99})
    with pytest.raises(ValueError, match="format"):
        models.load_model(path)
    with pytest.raises(ValueError, match="there is no model 'nothing'"):
        models.load_model("nothing")


@pytest.mark.parametrize(
    ("tensors", "document"),
    [
        ({"interval_masses": np.int32(1)}, {}),
        ({"head.0.weight_high": np.int8(1), "head.0.bias": np.int32(1)}, {"context_radius": 1}),
        ({}, {"levels": float("inf")}),
        ({}, {"context_radius": float("nan")}),
        ({}, {"card": 1}),
    ],
    ids=str,
)
def test_nonsense_in_a_file_is_refused(tensors, document, small, tmp_path):
    path = tmp_path / "m.safetensors"
    models.save_model(path, small)
    good_tensors, good_document = tensor_file.read(path)
    tensor_file.write(path, good_tensors | tensors, good_document | document)
    with pytest.raises(ValueError, match="usable model"):
        models.load_model(path)


def test_a_context_is_of_images_of_two_sides(small):
    with pytest.raises(ValueError, match="two sides"):
        make_small(image_shape=(1, 2, 3), context_radius=1, head=small.generative)


def test_released_models_load_and_match_their_cards():
    assert "digits" in models.list_models()
    for name in models.list_models():
        model = models.load_model(name)
        card = json.loads((models.PRETRAINED / f"{name}.json").read_text())
        assert card["digest"] == model.digest
        assert models.find_model(model.digest[:16]).digest == model.digest
    with pytest.raises(ValueError, match="no released model"):
        models.find_model("0123456789abcdef")


def test_golden_integers_of_the_released_digits_model():
    model = models.load_model("digits")
    x = jnp.asarray(np.arange(64) % 17, jnp.uint8)
    mean, log2_scale = models.posterior(model, x)
    z = jnp.asarray((np.arange(model.latents) - 7) * 2**22, jnp.int32)
    rows = models.pixel_distributions(model, z, x)
    weighted = [int(np.dot(np.asarray(a, np.int64), np.arange(1, len(a) + 1))) for a in (mean, log2_scale, rows)]
    assert weighted == [-220142, -54188, 2960066]


@pytest.mark.parametrize("label", ["inference", "generative"])
def test_networks_that_can_overflow_make_no_model(small, label):
    network = getattr(small, label)
    first, *rest = network.layers
    layer = first._replace(bias=np.full_like(first.bias, 2**31 - 1))
    networks = {
        "inference": small.inference,
        "generative": small.generative,
        label: network._replace(layers=(layer, *rest)),
    }
    with pytest.raises(ValueError, match="can overflow int32"):
        models.make_model(
            "bad", **networks, image_shape=small.image_shape, levels=small.levels,
            likelihood_name=small.likelihood_name, kl_bits=small.kl_bits, intervals=small.intervals,
        )  # fmt: skip


@pytest.mark.parametrize(
    "masses",
    [
        [[65536, 0, 0, 0, 0, 0, 0, 0], [8192] * 8],
        [[32768, 32767, 0, 0, 0, 0, 0, 0], [8192] * 8],
        [[32768, 32769, 0, 0, 0, 0, 0, 0], [8192] * 8],
        [[32768, 32767, 1, 0, 0, 0, 0, 0], [8192] * 8],
        [[32768, 32768, 0, 0, 0, 0, 0], [9362] * 6 + [9364]],
        [[32768, 32768, 0, 0, 0, 0, 0, 0]],
    ],
    ids=["none", "too few", "too many", "beyond the last", "no capacity", "no row"],
)
def test_masses_of_intervals_are_of_each_interval_and_fill_2_16(small, masses):
    """Of two intervals and of eight."""
    good = np.array([[32768, 32768, 0, 0, 0, 0, 0, 0], [8192] * 8])
    changed = models.with_interval_masses(small, good)
    assert changed.digest != small.digest and np.array_equal(changed.interval_masses, good)
    with pytest.raises(ValueError, match="need masses above 0 of sum 2"):
        models.with_interval_masses(small, np.array(masses))


@pytest.mark.parametrize("stated", [0, 2, None])
def test_a_model_of_another_format_is_refused(small, tmp_path, stated):
    path = tmp_path / "m.safetensors"
    models.save_model(path, small)
    tensors, document = tensor_file.read(path)
    tensor_file.write(path, tensors, document | {"format": stated})
    with pytest.raises(ValueError, match="is not a model of format 1"):
        models.load_model(path)


def test_a_model_of_another_digest_is_refused(small, tmp_path):
    path = tmp_path / "m.safetensors"
    models.save_model(path, small)
    tensors, document = tensor_file.read(path)
    for bad in (document | {"digest": "0" * 64}, document | {"levels": 16}):
        tensor_file.write(path, tensors, bad)
        with pytest.raises(ValueError, match="does not have the digest it states"):
            models.load_model(path)


def test_digests_are_of_names_types_and_shapes():
    one = np.arange(6, dtype=np.int32)
    cases = [
        {"a": one},
        {"b": one},
        {"a": one.reshape(2, 3)},
        {"a": one.astype(np.uint32)},
        {"a": one[:5], "b": one[5:]},
    ]
    assert len({tensor_file.digest(tensors, {}) for tensors in cases}) == len(cases)
    assert tensor_file.digest({"a": one}, {"x": 1}) != tensor_file.digest({"a": one}, {})
    assert tensor_file.digest({"a": one, "b": one[:1]}, {}) == tensor_file.digest({"b": one[:1], "a": one}, {})
