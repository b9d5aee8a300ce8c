"""From a VAE of your own to the bytes of images, and back in another process.

    python -m experiments.tutorials.a_own_vae_to_bytes

A VAE in a few lines of plain JAX is trained on small black and white digits. Its weights are then handed to recjax,
which converts them to integers: a decoder must compute exactly the networks that the encoder computed, and floats
differ between machines. From there on it is a model like those that come with recjax. What the networks must be like is
said by `training.vae.convert.to_model`; Flax and PyTorch weights go the same way.
"""

import itertools
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import recjax
from recjax.models.vae.config import VAEConfig
from recjax.models.vae.evaluate import save_model
from training import data
from training.vae.convert import to_model

LATENTS, HIDDEN, STEPS = 12, 64, 800


# 1. The VAE, in whatever code you have. Its layers are dense with ReLUs between them, its prior is a standard normal.
#    Pixels are 0 or 1; grey ones would be divided by their largest value.
def init_layers(key, *widths):
    """Draws the layers of a multilayer perceptron."""
    keys = jax.random.split(key, len(widths) - 1)
    shapes = zip(keys, itertools.pairwise(widths), strict=True)
    return [(jax.random.normal(own, shape) / np.sqrt(shape[0]), jnp.zeros(shape[1])) for own, shape in shapes]


def apply_layers(layers, x):
    """Evaluates a multilayer perceptron."""
    for kernel, bias in layers[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    return x @ layers[-1][0] + layers[-1][1]


def negative_elbo(params, x, key):
    """Estimates the mean codelength of images, in nats."""
    mean, log_variance = jnp.split(apply_layers(params["encoder"], x), 2, axis=-1)
    scale = jnp.exp(0.5 * log_variance)
    z = mean + scale * jax.random.normal(key, mean.shape)
    logits = apply_layers(params["decoder"], z)
    pixels = optax.sigmoid_binary_cross_entropy(logits, x).sum(axis=-1)
    kl = 0.5 * (mean**2 + scale**2 - 1).sum(axis=-1) - jnp.log(scale).sum(axis=-1)
    return jnp.mean(pixels + kl)


def train(images):
    """Fits the VAE to images [image, pixel] of 0 and 1."""
    keys = jax.random.split(jax.random.key(0), 3)
    pixels, optimiser = images.shape[1], optax.adam(3e-3)
    params = {
        "encoder": init_layers(keys[0], pixels, HIDDEN, 2 * LATENTS),
        "decoder": init_layers(keys[1], LATENTS, HIDDEN, pixels),
    }

    def step(carry, key):
        params, state = carry
        batch = images[jax.random.randint(key, (128,), 0, len(images))]
        loss, gradient = jax.value_and_grad(negative_elbo)(params, batch, jax.random.fold_in(key, 1))
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(params, updates), state), loss

    start = (params, optimiser.init(params))
    (params, _), _ = jax.jit(lambda start, keys: jax.lax.scan(step, start, keys))(
        start, jax.random.split(keys[2], STEPS)
    )
    return params


# 2. Its weights as recjax has them: layers by name, and an encoder that returns log2 of the scale. As that is the log
#    variance divided by 2 log(2), the last kernel and bias are divided instead.
def as_recjax(layers):
    """Names layers as those of recjax are named."""
    return {f"layer_{number}": {"kernel": kernel, "bias": bias} for number, (kernel, bias) in enumerate(layers)}


def with_log2_scale(encoder):
    """Changes the outputs of an encoder from log variances to base-2 logarithms of scales."""
    *others, (kernel, bias) = encoder
    factor = jnp.repeat(jnp.array([1.0, 0.5 / math.log(2)]), LATENTS)  # the means stay as they are
    return [*others, (kernel * factor, bias * factor)]


def main(folder: Path) -> dict[str, float]:
    """Trains, converts, compresses, and decodes in another process; returns rates in bits per pixel."""
    splits = data.load_splits("digits")
    train_images, test_images = ((splits[name].images >= 8).astype(np.uint8) for name in ("train", "test"))
    flat = [images.reshape(len(images), -1).astype(np.float32) for images in (train_images, test_images)]
    params = train(jnp.asarray(flat[0]))
    config = VAEConfig((8, 8), levels=2, latents=LATENTS, hidden=(HIDDEN,), likelihood="bernoulli")
    encoder, decoder = with_log2_scale(params["encoder"]), params["decoder"]
    named = {"inference": as_recjax(encoder), "generative": as_recjax(decoder)}
    # The training images tell how large activations get, and how much each latent carries.
    model = to_model("mine", config, named, train_images)
    save_model(folder / "mine.safetensors", model)

    # 3. Images to bytes, by bits-back. The file is decoded and compared before `compress` returns. With method="orc",
    #    each image can be decoded alone.
    data_bytes = recjax.compress(test_images, model)
    (folder / "digits.rjx").write_bytes(data_bytes)
    print(recjax.info(data_bytes))

    # 4. Bytes to images, in a process that has the model's file.
    decode = (
        "import sys, numpy, recjax; data = open(sys.argv[1], 'rb').read(); "
        "numpy.save(sys.argv[3], recjax.decompress(data, model=sys.argv[2]))"
    )
    paths = [folder / name for name in ("digits.rjx", "mine.safetensors", "digits.npy")]
    subprocess.run([sys.executable, "-c", decode, *map(str, paths)], check=True)
    assert np.array_equal(np.load(paths[-1]), test_images)

    elbo = float(negative_elbo(params, jnp.asarray(flat[1]), jax.random.key(1))) / (64 * math.log(2))
    rates = {"negative ELBO": elbo, "file": 8 * len(data_bytes) / test_images.size}
    print({name: round(rate, 4) for name, rate in rates.items()}, "bits per pixel; 1 without a model")
    return rates


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
