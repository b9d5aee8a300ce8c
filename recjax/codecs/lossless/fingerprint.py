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

from recjax.container.file import FINGERPRINT_BYTES, Header
from recjax.errors import FormatError
from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point import networks
from recjax.models.fixed_point.networks import FloatNetwork
from recjax.models.vae.evaluate import Model, in_floats
from recjax.version import __version__

_SETTINGS = ("jax_default_device", "jax_default_matmul_precision", "jax_disable_jit", "jax_enable_x64")


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
        "versions": [__version__, jax.__version__, jaxlib.__version__],
        "device": [device.platform, device.device_kind, jax.device_count(), jax.process_count()],
        "machine": [platform.machine(), _cpu_flags(), _cores()],
        "settings": [os.environ.get("XLA_FLAGS", ""), *(str(getattr(jax.config, name)) for name in _SETTINGS)],
    }


def marked(header: Header, model: Model, batches: Iterable[int]) -> Header:
    """The header of a file that was made with a model, with a fingerprint if that is in floats."""
    return replace(header, fingerprint=fingerprint(model, batches)) if model.arithmetic == "float" else header


def model_for(header: Header, model: Model, batches: Iterable[int], *, ignore: bool) -> Model:
    """The model with which a file is decoded, so many images at a time: in floats if it was made so.

    FormatError if floats come out otherwise here, unless that is to be ignored; ValueError for an exact file and a
    model in floats.
    """
    if not header.fingerprint:
        if model.arithmetic == "float":
            raise ValueError(f"the file is exact and model {model.name!r} is in floats; decode it with the exact one.")
        return model
    model = in_floats(model)
    here = header.fingerprint if ignore else fingerprint(model, batches)
    if here != header.fingerprint:
        raise FormatError(
            f"the file was made in floats of fingerprint {header.fingerprint.hex()}, and here they have {here.hex()} "
            "(another machine, version or batch); decode all of it where it was made, or ignore the fingerprint, and "
            "what comes out may be garbage."
        )
    return model


@jax.jit
def _outputs(network: FloatNetwork, x: jax.Array) -> jax.Array:
    return networks.float_outputs(network, x)


def _probe(network: FloatNetwork, batch: int) -> np.ndarray:
    """Inputs of every size that a network may see."""
    width = network.layers[0].weight.shape[0]
    return np.random.RandomState(0).randint(-exact.LIMIT, exact.LIMIT + 1, (batch, width)).astype(np.int32)


def _cores() -> int:
    """Of this process, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


@functools.cache
def _cpu_flags() -> str:
    """What the processor can, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(("flags", "Features"))), "")
