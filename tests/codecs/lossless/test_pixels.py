"""Images whose pixels see decoded ones, through whole files: what is decoded in a wavefront is what was encoded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.pixels import pixel_codec
from recjax.coding import rans, sequence
from recjax.models.vae import evaluate as models
from recjax.models.vae import network as vae
from training.vae.convert import to_model

SHAPE = (5, 6)


def sparse_images(count, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, (count, *SHAPE)) * (rng.random((count, *SHAPE)) < 0.4)).astype(np.uint8)


@pytest.fixture(scope="module")
def context_model():
    config = vae.VAEConfig(SHAPE, 256, 3, (8,), "categorical", context_radius=2, features=2, head=(8,))
    return to_model("context", config, random_params(config), sparse_images(50))


def random_params(config, seed=0):
    """As of `vae.init`, from NumPy, which has nothing to compile."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda key: vae.init(config, key), jax.random.key(0))
    return jax.tree.map(lambda leaf: np.float32(rng.normal(size=leaf.shape) / max(leaf.shape[0], 1) ** 0.5), shapes)


# Both push and pop the pixels by one codec, which takes most of the time to compile.
@pytest.mark.parametrize(
    ("method", "options"),
    [("bb-ans", {}), pytest.param("orc", {"candidates": 16, "block_bits": 4.0}, marks=pytest.mark.slow)],
)
def test_files_of_images_whose_pixels_see_others(context_model, method, options, one_by_one):
    images = sparse_images(9, seed=1)
    data = lossless.compress(images, context_model, method=method, **options)
    assert data[4] & 15, "stored raw"
    assert np.array_equal(lossless.decompress(data, model=context_model), images)
    assert np.array_equal(lossless.decompress(data, model=context_model, index=4), images[4])


def test_files_of_pixels_under_a_logistic_law():
    config = vae.VAEConfig(SHAPE, 256, 3, (8,), "discretised_logistic")
    model = to_model("logistic", config, random_params(config), sparse_images(50))
    # What is spread over all levels: such pixels cost less than to store them.
    images = np.random.default_rng(1).normal(128, 20, (9, *SHAPE)).clip(0, 255).astype(np.uint8)
    data = lossless.compress(images, model)
    assert data[4] & 15, "stored raw"
    assert np.array_equal(lossless.decompress(data, model=model), images)


def test_free_laws_of_all_pixels_are_never_there_at_once():
    """Pixel by pixel they are those of the whole network, and no array has a number for each level of each pixel."""
    config = vae.VAEConfig(SHAPE, 256, 3, (8,), "categorical")
    model = to_model("free", config, random_params(config), sparse_images(50))
    images = jnp.asarray(sparse_images(4, seed=2).reshape(4, -1).T, jnp.uint32)
    z = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)) * 2**26, jnp.int32)

    def there_and_back(codec_of, model, z):
        message = codec_of(model, z).push(rans.empty((), 4, 400), images)
        return message, codec_of(model, z).pop(message)[1]

    def whole(model, z):
        distributions = model.likelihood.distribution(jnp.moveaxis(models.pixel_outputs(model, z), -2, 0))
        return sequence.scan(model.likelihood.codec, distributions, pops_any_message=False)

    (message, decoded), (wanted, _) = (
        jax.jit(there_and_back, static_argnums=0)(codec_of, model, z) for codec_of in (pixel_codec, whole)
    )
    np.testing.assert_array_equal(decoded, images)
    np.testing.assert_array_equal(message.head, wanted.head)
    np.testing.assert_array_equal(message.tail[: int(message.size)], wanted.tail[: int(wanted.size)])
    tiled, at_once = (
        max(largest_arrays(jax.make_jaxpr(there_and_back, static_argnums=0)(codec_of, model, z).jaxpr))
        for codec_of in (pixel_codec, whole)
    )
    assert tiled < images.size * 256 <= at_once


def largest_arrays(jaxpr):
    """Elements of what a program makes, but for the model's weights."""
    for equation in jaxpr.eqns:
        yield max((out.aval.size for out in equation.outvars if "int8" not in str(out.aval.dtype)), default=0)
        for value in jax.tree.leaves(list(equation.params.values())):
            found = getattr(value, "jaxpr", value)
            if hasattr(found, "eqns"):
                yield from largest_arrays(found)


def test_the_codec_spends_what_the_laws_say(context_model):
    images = sparse_images(4, seed=2).reshape(4, -1)
    z = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)) * 2**26, jnp.int32)
    bits = float(models.image_bits(context_model, z, jnp.asarray(images)).sum())
    message = jax.jit(lambda model, m, x: pixel_codec(model, z).push(m, x))(
        context_model, rans.empty((), 4, 400), jnp.asarray(images.T, jnp.uint32)
    )
    spent = 8 * int(message.size) + float(np.log2(np.asarray(message.head, np.float64) / rans.HEAD_MIN).sum())
    assert abs(spent - bits) < 1e-3 * bits


def test_a_model_file_holds_the_head(context_model, tmp_path):
    models.save_model(tmp_path / "m.safetensors", context_model)
    loaded = models.load_model(tmp_path / "m.safetensors")
    assert loaded.digest == context_model.digest and loaded.context_radius == 2
    for a, b in zip(jax.tree.leaves(context_model), jax.tree.leaves(loaded), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_head_that_does_not_fit_is_refused(context_model):
    parts = {
        "image_shape": SHAPE,
        "levels": 256,
        "likelihood_name": "categorical",
        "kl_bits": context_model.kl_bits,
        "intervals": context_model.intervals,
    }
    networks = ("context", context_model.inference, context_model.generative)
    with pytest.raises(ValueError, match="if and only if its pixels see a context"):
        models.make_model(*networks, **parts, head=context_model.head)
    with pytest.raises(ValueError, match="network of model 'context' has"):
        models.make_model(*networks, **parts, head=context_model.head, context_radius=1)
    with pytest.raises(ValueError, match="generative network of model 'context' has"):
        models.make_model(*networks, **parts)
