"""Fingerprints of float arithmetic: what the header of a file in floats states, and what its decoder must reproduce.

A float network gives slightly different numbers for another batch size, instruction set, device or version of XLA, and
a decoder whose numbers differ decodes garbage. A fingerprint is a hash of everything that is known to matter and of the
outputs of the networks for a probe, so that such a decoder can refuse the file.
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
    """Computes the fingerprint of a model in floats, evaluated here and now.

    Args:
        model: The model in floats.
        batches: The numbers of images that are evaluated at a time.

    Returns:
        The first FINGERPRINT_BYTES bytes of a SHA-256.
    """
    whole = hashlib.sha256(json.dumps(environment(), sort_keys=True).encode())
    for batch in sorted(set(batches)):
        for network in (model.inference, model.generative, model.head):
            if isinstance(network, FloatNetwork):
                outputs = np.asarray(_outputs(network, jnp.asarray(_probe(network, batch))))
                whole.update(outputs.astype("<f4").tobytes())
    return whole.digest()[:FINGERPRINT_BYTES]


def environment() -> dict[str, object]:
    """Collects everything that is known to change the results of float arithmetic.

    Returns:
        Versions, devices, processor and settings, by name.
    """
    device = jax.devices()[0]
    return {
        "versions": [__version__, jax.__version__, jaxlib.__version__],
        "device": [device.platform, device.device_kind, jax.device_count(), jax.process_count()],
        "machine": [platform.machine(), _cpu_flags(), _cores()],
        "settings": [os.environ.get("XLA_FLAGS", ""), *(str(getattr(jax.config, name)) for name in _SETTINGS)],
    }


def marked(header: Header, model: Model, batches: Iterable[int]) -> Header:
    """Adds the fingerprint to the header of a file if its model is in floats.

    Args:
        header: The header.
        model: The model that the file is made with.
        batches: The numbers of images that a decoder evaluates at a time.

    Returns:
        The header; unchanged for an exact model.
    """
    return replace(header, fingerprint=fingerprint(model, batches)) if model.arithmetic == "float" else header


def model_for(header: Header, model: Model, batches: Iterable[int], *, ignore: bool) -> Model:
    """Returns the model to decode a file with, in floats if the file was made so.

    Args:
        header: The header of the file.
        model: The model that made the file.
        batches: The numbers of images that are decoded at a time.
        ignore: Whether to skip the comparison of fingerprints.

    Returns:
        The model, exact or in floats.

    Raises:
        FormatError: The file was made in floats that come out differently here.
        ValueError: The file is exact, and the model is in floats.
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
    """Returns inputs of all sizes that a network may see."""
    width = network.layers[0].weight.shape[0]
    return np.random.RandomState(0).randint(-exact.LIMIT, exact.LIMIT + 1, (batch, width)).astype(np.int32)


def _cores() -> int:
    """Returns the number of cores of this process, where the system tells; else of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0


@functools.cache
def _cpu_flags() -> str:
    """Returns the instruction sets of the processor, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(("flags", "Features"))), "")
