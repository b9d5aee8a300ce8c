"""recjax: relative entropy coding, A* coding and bits-back coding in JAX, from images to bytes and back.

Every name is imported on first use, so that `import recjax` and `recjax --help` are quick and start no accelerator.
"""

import importlib
import sys
from typing import TYPE_CHECKING

from recjax.version import __version__

if TYPE_CHECKING:
    from recjax import codecs, coding, distributions, grid, models, randomness, rec
    from recjax.codecs.compress import compress
    from recjax.codecs.decompress import decompress
    from recjax.codecs.inspection import info, verify
    from recjax.codecs.lossy.compression import compress as compress_lossy
    from recjax.distributions.multivariate_normal import MultivariateNormal
    from recjax.distributions.normal import Normal
    from recjax.distributions.symmetric import Laplace, Logistic, Triangular, Uniform
    from recjax.distributions.truncated_normal import TruncatedNormal
    from recjax.errors import FormatError
    from recjax.models.inr.model import load_model as load_lossy_model
    from recjax.models.vae.evaluate import load_model
    from recjax.randomness import key

_HOME = {
    "compress": ("recjax.codecs.compress", "compress"),
    "compress_lossy": ("recjax.codecs.lossy.compression", "compress"),
    "decompress": ("recjax.codecs.decompress", "decompress"),
    "info": ("recjax.codecs.inspection", "info"),
    "verify": ("recjax.codecs.inspection", "verify"),
    "Laplace": ("recjax.distributions.symmetric", "Laplace"),
    "Logistic": ("recjax.distributions.symmetric", "Logistic"),
    "MultivariateNormal": ("recjax.distributions.multivariate_normal", "MultivariateNormal"),
    "Normal": ("recjax.distributions.normal", "Normal"),
    "Triangular": ("recjax.distributions.symmetric", "Triangular"),
    "TruncatedNormal": ("recjax.distributions.truncated_normal", "TruncatedNormal"),
    "Uniform": ("recjax.distributions.symmetric", "Uniform"),
    "FormatError": ("recjax.errors", "FormatError"),
    "load_lossy_model": ("recjax.models.inr.model", "load_model"),
    "load_model": ("recjax.models.vae.evaluate", "load_model"),
    "key": ("recjax.randomness", "key"),
}
"""The module that defines each name of this package, and the name it has there."""

_MODULES = ("codecs", "coding", "distributions", "grid", "models", "randomness", "rec")

__all__ = [
    "FormatError",
    "Laplace",
    "Logistic",
    "MultivariateNormal",
    "Normal",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "__version__",
    "codecs",
    "coding",
    "compress",
    "compress_lossy",
    "decompress",
    "distributions",
    "grid",
    "info",
    "key",
    "load_lossy_model",
    "load_model",
    "models",
    "randomness",
    "rec",
    "verify",
]


def __getattr__(name: str):
    if name in _HOME:
        module, there = _HOME[name]
        return getattr(importlib.import_module(module), there)
    if name in _MODULES:
        return importlib.import_module(f"recjax.{name}")
    raise AttributeError(f"module 'recjax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


if "pdoc" in sys.modules:
    # A page of documentation shows what the dictionary of a module holds, and nothing that is imported on first use.
    globals().update({name: __getattr__(name) for name in _HOME})
