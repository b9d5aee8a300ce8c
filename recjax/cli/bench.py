"""Measures how fast this machine is: candidates, symbols and images per second of compiled code, in half a minute.

For comparisons with other packages, run the experiments `bench_*` from a checkout.
"""

import statistics
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from recjax import randomness, rec
from recjax.codecs.lossless.chains import bits_back
from recjax.coding import rans
from recjax.coding.codec import bernoulli
from recjax.coding.sequence import scan
from recjax.container import file as container
from recjax.distributions.normal import Normal
from recjax.models.vae.evaluate import load_model

_LANES, _STEPS, _DIM = 256, 2048, 16


class Timed(NamedTuple):
    """Holds a piece of code to be timed.

    Attributes:
        name: What it does, in words.
        code: The code, a function without arguments.
        amount: How much a call does, in what the unit counts.
        unit: The unit of the rate, such as images/s.
    """

    name: str
    code: Callable[[], Any]
    amount: float
    unit: str


class Measured(NamedTuple):
    """Holds a measured rate.

    Attributes:
        name: What was timed, in words.
        rate: Median rate of compiled code, in the unit.
        unit: The unit of the rate, such as images/s.
        first_seconds: Time of the first call, which compiles, in seconds.
    """

    name: str
    rate: float
    unit: str
    first_seconds: float


def cases() -> list[Timed]:
    """Makes the list of what is measured.

    Returns:
        The pieces of code.
    """
    return [*_searches(), *_coder(), *_files()]


def measure(case: Timed, seconds: float = 1.0) -> Measured:
    """Measures the rate of a piece of code, by repeating it.

    Args:
        case: The code.
        seconds: Time to repeat it for, in seconds; it is called at least four times, and the first call is not counted.

    Returns:
        The median rate, and the time of the first call.
    """
    start = time.perf_counter()
    jax.block_until_ready(case.code())
    first, begin, rates = time.perf_counter() - start, time.perf_counter(), []
    while len(rates) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        jax.block_until_ready(case.code())
        rates.append(case.amount / (time.perf_counter() - start))
    return Measured(case.name, statistics.median(rates), case.unit, first)


def _searches() -> list[Timed]:
    rng = np.random.default_rng(0)
    timed = []
    for name, blocks, bins, axes in (
        ("candidates of 16 dimensions", 64, None, ()),
        ("candidates of 16 dimensions in bins", 64, [2] * _DIM, ()),
        ("candidates of 16 dimensions, shared by 1,024 blocks", 1024, None, (0,)),
    ):
        scale = jnp.asarray(rng.uniform(0.4, 0.6, (blocks, _DIM)), jnp.float32)
        q, count = Normal(jnp.sqrt(1 - scale**2), scale), 4096
        algorithm, p = rec.orc(num_candidates=count), Normal(jnp.zeros(_DIM), jnp.ones(_DIM))

        def code(algorithm=algorithm, q=q, p=p, bins=bins, axes=axes) -> Any:
            return rec.encode(algorithm, randomness.key(0), q, p, bins=bins, shared_axes=axes).code

        timed.append(Timed(name, code, blocks * count / 1e6, "million/s"))
    return timed


def _coder() -> list[Timed]:
    rng = np.random.default_rng(0)
    mass = jnp.asarray(rng.integers(1000, 64000, (_STEPS, _LANES)), jnp.uint32)
    symbol = jnp.asarray(rng.random((_STEPS, _LANES)) * 65536 < np.asarray(mass), jnp.uint32)
    empty, millions = rans.empty((), _LANES, _STEPS * _LANES // 4), _STEPS * _LANES / 1e6
    push = jax.jit(lambda message, mass, symbol: scan(bernoulli, mass).push(message, symbol))
    pop = jax.jit(lambda message, mass: scan(bernoulli, mass).pop(message))
    full = cache(lambda: push(empty, mass, symbol))
    return [
        Timed("bits encoded in 256 lanes", lambda: push(empty, mass, symbol).head, millions, "million/s"),
        Timed("bits decoded in 256 lanes", lambda: pop(full(), mass)[1], millions, "million/s"),
    ]


def _files() -> list[Timed]:
    model = load_model("mnist-bb-ans")
    images = np.random.default_rng(0).integers(0, 256, (512, *model.image_shape), dtype=np.uint8)
    images[:, :, 8:] = 0
    data = cache(lambda: bits_back.encode(images, model, seed=0)[0])
    return [
        Timed("28x28 images to a file by bb-ans", lambda: bits_back.encode(images, model, seed=0)[1], 512, "images/s"),
        Timed("28x28 images back", lambda: bits_back.decode(container.read(data()), model), 512, "images/s"),
    ]
