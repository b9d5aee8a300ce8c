"""How floats come out here: what the header of a file in floats says, and what a decoder must find again.

A float network gives other numbers in another batch, on another instruction set, device or version of XLA, and a
decoder with other numbers makes garbage. So a fingerprint is of all that is known to matter, and of the numbers of a
probe.
"""

import functools
import hashlib
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from recjax import container
from recjax.codecs import relative_entropy
from recjax.codecs.settings import CHAIN_METHOD
from recjax.container import FINGERPRINT_BYTES, File, Header
from recjax.errors import FormatError
from recjax.models import exact, networks
from recjax.models.model import Model, in_floats
from recjax.models.networks import FloatNetwork

_SETTINGS = ("jax_default_matmul_precision", "jax_disable_jit", "jax_enable_x64")


def fingerprint(model: Model, batches: Iterable[int]) -> bytes:
    """Of a model in floats, evaluated on so many images at a time, here and now."""
    whole = hashlib.sha256(json.dumps(environment(), sort_keys=True).encode())
    for batch in sorted(set(batches)):
        for network in (model.inference, model.generative, model.head):
            if isinstance(network, FloatNetwork):
                outputs = np.asarray(_outputs(network, jnp.asarray(_probe(network, batch))))
                whole.update(outputs.astype("<f4").tobytes())
    return whole.digest()[:FINGERPRINT_BYTES]


def environment() -> dict[str, object]:
    """What is known to change floats."""
    device = jax.devices()[0]
    return {
        "versions": [jax.__version__, jaxlib.__version__],
        "device": [device.platform, device.device_kind, jax.device_count(), jax.process_count()],
        "machine": [platform.machine(), _cpu_flags(), os.cpu_count()],
        "settings": [os.environ.get("XLA_FLAGS", ""), *(str(getattr(jax.config, name)) for name in _SETTINGS)],
    }


def batches(header: Header, index: int | None = None) -> set[int]:
    """Images that are evaluated at a time by the decoder of a file, or of one image of it."""
    if header.method == "bb-ans":
        return {header.parameters["lanes"]}
    if header.method == CHAIN_METHOD:
        return {1, header.parameters["lanes"]}
    return {1} if index is not None else relative_entropy.batch_sizes(header)


def stamp(data: bytes, model: Model) -> bytes:
    """A file that was made with a model in floats, marked as one; a raw file stays as it is."""
    file = container.read(data, max(container.MAX_RAW_BYTES, 4 * len(data)))
    header = file.header
    if header.method == "raw":
        return data
    mark = fingerprint(in_floats(model), batches(header))
    return container.write(replace(header, fingerprint=mark), [file.chunk(n) for n in range(header.num_chunks)])


def model_for(file: File, model: Model, index: int | None, *, ignore: bool) -> Model:
    """The model with which a file is decoded: in floats if it was made so.

    FormatError if floats come out otherwise here, unless that is to be ignored.
    """
    header = file.header
    if not header.fingerprint:
        return model
    model = in_floats(model)
    if not ignore:
        here = fingerprint(model, batches(header, index))
        if here != header.fingerprint:
            raise FormatError(
                f"the file was made in floats of fingerprint {header.fingerprint.hex()}, and here they have "
                f"{here.hex()} (another machine, version or batch); decode all of it where it was made, or ignore the "
                "fingerprint, and what comes out may be garbage."
            )
    return model


@jax.jit
def _outputs(network: FloatNetwork, x: jax.Array) -> jax.Array:
    return networks.float_outputs(network, x)


def _probe(network: FloatNetwork, batch: int) -> np.ndarray:
    """Inputs of every size that a network may see."""
    width = network.layers[0].weight.shape[0]
    return np.random.RandomState(0).randint(-exact.LIMIT, exact.LIMIT + 1, (batch, width)).astype(np.int32)


@functools.cache
def _cpu_flags() -> str:
    """What the processor can, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(("flags", "Features"))), "")
