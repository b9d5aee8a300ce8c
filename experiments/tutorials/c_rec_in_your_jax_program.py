"""Relative entropy coding in a JAX program of your own: from posteriors to bytes, and to the same samples elsewhere.

    python -m experiments.tutorials.c_rec_in_your_jax_program

You have posteriors q(z | x), here random ones; a decoder shall have samples of them, in about KL[q || p] bits.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np

import recjax
from recjax import rec
from recjax.distributions import kl_bits

LATENTS, COUNT, SEED = 16, 512, 7
P = recjax.Normal(0.0, 1.0)


def posteriors(count: int, seed: int) -> recjax.Normal:
    """Makes posteriors of some inputs, as an inference network would: some latents carry more than others."""
    scale = np.exp2(-np.linspace(0.0, 3.0, LATENTS)).astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal((count, LATENTS)).astype(np.float32)
    return recjax.Normal(noise * np.sqrt(1 - scale**2), np.broadcast_to(scale, noise.shape))


DECODER = """
import sys, numpy, recjax
from recjax import rec
key = recjax.key(7)
plan, code = rec.from_bytes(open(sys.argv[1], "rb").read(), key)
numpy.save(sys.argv[2], rec.decode(plan, key, recjax.Normal(0.0, 1.0), code))
"""
"""What runs elsewhere: it has the bytes, the key and the coding distribution, and no posterior."""


def main(folder: Path) -> dict[str, float]:
    """Plans, encodes under jit, writes bytes, and decodes in another process; returns bits per input."""
    # 1. The mean KL divergence of each latent over training data decides what is sent together, in which bins, and
    #    among how many candidates. Each block costs some bits over its KL, so few and large blocks make short codes, of
    #    many candidates. The decoder needs no such statistics: the plan lies in the bytes.
    divergences = np.asarray(kl_bits(posteriors(1000, seed=0), P)).mean(axis=0)
    plan = rec.plan(divergences, block_bits=16.0, max_bias=0.05)
    print(f"{plan.shape[0]} blocks, {plan.candidates} candidates each, bias of at most {plan.bias.max():.3f}")

    # 2. Encoding is a function of arrays, so it can be a part of a jitted program, which takes the plan as an argument.
    q, key = posteriors(COUNT, seed=1), recjax.key(SEED)
    encoded = jax.jit(rec.encode)(plan, key, q, P)
    poor = int((np.asarray(encoded.info.status) != rec.Status.OK).sum())
    print(f"{poor} of {encoded.info.status.size} blocks have another status than OK")

    # 3. Bytes that describe themselves. With another key, or damaged, they raise an error. Beside the codes, they hold
    #    the plan once, and where the codes of each input end, 3 to 5 bits each.
    data = rec.to_bytes(plan, key, encoded.code)
    (folder / "codes.rec").write_bytes(data)
    try:
        rec.from_bytes(data, recjax.key(SEED + 1))
    except ValueError as error:
        print(f"refused: {error}")

    # 4. Another process has the same samples, bit for bit.
    paths = [str(folder / name) for name in ("codes.rec", "samples.npy")]
    subprocess.run([sys.executable, "-c", DECODER, *paths], check=True)
    assert np.array_equal(np.load(paths[1]), encoded.sample)

    bits = {
        "KL": float(np.asarray(kl_bits(q, P)).sum(axis=-1).mean()),
        "expected": float(plan.expected_bits.sum()),
        "bytes": 8 * len(data) / len(encoded.sample),
    }
    print(
        {name: round(value, 1) for name, value in bits.items()}, f"bits for each of {COUNT} inputs, the plan among them"
    )
    return bits


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
