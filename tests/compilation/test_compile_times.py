"""Every public function compiles in seconds. XLA's time can grow exponentially with a kernel's length: a chain of 16
selects that choose what the next one compares with takes jaxlib 0.12 longer than anybody waits."""

import time

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

import recjax
from tests.compilation.entries import ENTRIES

# Seconds of this process's work, which do not depend on what else the machine does.
MOST_SECONDS = 60
# One of a kind stands for the others, which compile the same loops.
KINDS = (
    "randomness", "divergences", "as_star", "pfr in bins", "paths", "family codec", "raw_bits codec", "serial codec",
    "index codec", "discretised_normal codec", "scan codec", "bits_back codec", "autoregressive codec", "messages",
    "spread", "compress bb-ans",
)  # fmt: skip


@pytest.fixture
def no_cache():
    """Nothing compiled is kept from before, or for later."""

    def switch(on: bool):
        jax.config.update("jax_enable_compilation_cache", on)
        # JAX asks but once whether there is a cache.
        compilation_cache.reset_cache()

    switch(False)
    jax.clear_caches()
    yield
    switch(True)


@pytest.mark.parametrize(
    "entry",
    [pytest.param(one, id=one.name, marks=() if one.name in KINDS else pytest.mark.slow) for one in ENTRIES],
)
# In a thread of its own, as no signal interrupts XLA.
@pytest.mark.timeout(500, method="thread")
def test_it_compiles_in_seconds(entry, no_cache):
    start = time.process_time()
    entry.run(recjax.key(17))
    assert time.process_time() - start < MOST_SECONDS
