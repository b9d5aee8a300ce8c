"""The codec of an image's pixels given its latents: all at once, or as a wavefront where pixels depend on others."""

import jax.numpy as jnp
from jaxtyping import Array, Int32

from recjax.codecs.lossless.hurdle_pixels import step_codec
from recjax.coding import codec as codecs
from recjax.coding import sequence
from recjax.coding.wavefront import autoregressive, wavefront
from recjax.models.fixed_point import networks
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import Model


def pixel_codec(model: Model, z_fixed: Int32[Array, "*lanes latents"]) -> codecs.Codec:
    """Makes the codec of images [pixels, *lanes] given their latents.

    It decodes with integers alone.

    Args:
        model: The model.
        z_fixed: Latents in units of 2^-26.

    Returns:
        Codec of pixel values.
    """
    if model.head is None and model.likelihood_name == "categorical" and model.arithmetic == "exact":
        return _pixel_by_pixel(model, z_fixed)
    outputs = jnp.moveaxis(models.pixel_outputs(model, z_fixed), -2, 0)
    if model.head is None:
        return sequence.scan(model.likelihood.codec, model.likelihood.distribution(outputs), pops_any_message=False)
    head = model.head
    place, neighbours = map(jnp.asarray, wavefront(model.image_shape, model.context_radius))

    def codec_at(here, image):
        # Places beyond the last pixel get the distribution of the last one; they leave the message as it is.
        one_of = jnp.minimum(here, model.pixels - 1)
        seen = jnp.moveaxis(image[neighbours[one_of]], 1, -1)
        exists = here < model.pixels
        if model.likelihood_name == "categorical":
            return step_codec(head, models.head_inputs(model, outputs[one_of], seen), exists)
        distributions = models.head_distributions(model, outputs[one_of], seen)
        return sequence.scan(lambda one: codecs.masked(model.likelihood.codec(one[0]), one[1]), (distributions, exists))

    return autoregressive(place, model.pixels, codec_at)


def _pixel_by_pixel(model: Model, z_fixed: Int32[Array, "*lanes latents"]) -> codecs.Codec:
    """Does what `pixel_codec` does for distributions with a mass for each level, which are made one pixel at a time.

    Those of all pixels at once would take a thousand times the memory of the images.
    """
    hidden, layers = models.pixel_layers(model, z_fixed)

    def codec_of(layer):
        outputs = networks.apply(layer, hidden).reshape(*z_fixed.shape[:-1], -1)
        return model.likelihood.codec(model.likelihood.distribution(outputs))

    return sequence.scan(codec_of, layers, pops_any_message=False)
