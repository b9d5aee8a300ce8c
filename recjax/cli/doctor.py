"""Tells what this machine is and whether it codes correctly: versions, devices and a quick self-test."""

import hashlib
import platform
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from recjax import randomness
from recjax.cli.process import compile_cache
from recjax.codecs.decompress import decompress
from recjax.conformance.check import Check, all_pass
from recjax.container import chunks
from recjax.container import file as container
from recjax.container.methods import METHODS, FileMethod, options_of
from recjax.models.inr import model as inr_model
from recjax.models.pixel_network import model as pixel_model
from recjax.models.vae.evaluate import Model, list_models, load_model
from recjax.pretrained.cards import (
    LOSSY,
    PIXEL_NETWORKS,
    PRETRAINED,
    read_cards,
    read_lossy_cards,
    read_pixel_cards,
)
from recjax.version import __version__

# Known answer of Threefry-2x32-20 from Random123, for a counter and a key whose bits are all ones.
_ONES = 0xFFFFFFFF
_KNOWN_ANSWER = (0x1CB996FC, 0xBB002BE7)

# The model that compiles fastest, with which the methods are tested.
_SMALLEST = "digits"


def versions() -> dict[str, str]:
    """Collects the versions, the platform and the devices here.

    Returns:
        Text by name.
    """
    packages = {name: version(name) for name in ("jax", "jaxlib", "flax", "numpy")}
    devices = ", ".join(str(device) for device in jax.devices())
    return {
        "recjax": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **packages,
        "backend": f"{jax.default_backend()}: {devices}",
    }


def facts() -> dict[str, Any]:
    """Collects what `examine` reports about this machine except its tests, for JSON.

    Returns:
        Facts by name.
    """
    return {
        "machine": versions(),
        "format": container.FORMAT_VERSION,
        "stream": container.STREAM_VERSION,
        "compiled_programs": compile_cache.facts(),
    }


def examine(report: Callable[[str], object]) -> bool:
    """Reports on this machine line by line, and runs the self-test.

    Args:
        report: Called with each line.

    Returns:
        Whether every test passed.
    """
    here = versions()
    report(f"recjax {here['recjax']}, format {container.FORMAT_VERSION}, stream {container.STREAM_VERSION}")
    report(f"Python {here['python']} on {here['platform']}")
    report(", ".join(f"{name} {here[name]}" for name in ("jax", "jaxlib", "flax", "numpy")))
    report(f"backend {here['backend']}")
    report(compile_cache.describe())
    return all_pass(checks(), report)


def checks() -> Iterator[Check]:
    """Runs the tests of the self-test one after the other.

    Yields:
        The outcome of each test.
    """
    cases: list[tuple[str, Callable[[], bool]]] = [
        ("shared randomness, known answer", _randomness_is_right),
        ("file format, round trip", _container_is_right),
    ]
    cases += [
        (f"coding with {_SMALLEST}, {method.name}", _coding_test(method))
        for method in METHODS.values()
        if method.self_test is not None
    ]
    cases += [(f"model {name}, digest", partial(_model_is_whole, name)) for name in list_models()]
    cases += [(f"model {name}, digest", partial(_lossy_model_is_whole, name)) for name in inr_model.list_models()]
    cases += [(f"model {name}, digest", partial(_pixel_model_is_whole, name)) for name in pixel_model.list_models()]
    return (Check(name, _failure(case)) for name, case in cases)


def _failure(test: Callable[[], bool]) -> str:
    try:
        return "" if test() else "wrong result"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _randomness_is_right() -> bool:
    word = jax.numpy.uint32(_ONES)
    return tuple(int(x) for x in randomness.threefry2x32((word, word), (word, word))) == _KNOWN_ANSWER


def _container_is_right() -> bool:
    images = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8)
    return np.array_equal(chunks.read_raw(container.read(chunks.write_raw(images))), images)


def _model_is_whole(name: str) -> bool:
    card = {card.name: card for card in read_cards()}[name]
    return _sha256(PRETRAINED / f"{name}.safetensors") == card.sha256 and load_model(name).digest == card.digest


def _lossy_model_is_whole(name: str) -> bool:
    card = {card.name: card for card in read_lossy_cards()}[name]
    return _sha256(LOSSY / f"{name}.safetensors") == card.sha256 and inr_model.load_model(name).digest == card.digest


def _pixel_model_is_whole(name: str) -> bool:
    card = {card.name: card for card in read_pixel_cards()}[name]
    path = PIXEL_NETWORKS / f"{name}.safetensors"
    return _sha256(path) == card.sha256 and pixel_model.load_model(name).digest == card.digest


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _coding_test(method: FileMethod) -> Callable[[], bool]:
    def test() -> bool:
        images = _test_images(load_model(_SMALLEST))
        options, coder = options_of(method.name, method.self_test or {}), method.load_coder()
        model = coder.load_model(None, images, method.name, options)
        data = coder.compress(images, model, method.name, options, seed=0, progress=None).data
        return container.read(data).header.method == method.name and np.array_equal(decompress(data), images)

    return test


def _test_images(model: Model) -> np.ndarray:
    """Makes images of a bar of light that changes from image to image.

    They are cheap under any model, so that no method falls back to storing them raw.
    """
    images = np.zeros((16, *model.image_shape), np.uint8)
    for number in range(16):
        images[number, 1:-1, model.image_shape[1] // 2 + number % 2] = (model.levels - 1) * (8 + number) // 24
    return images
