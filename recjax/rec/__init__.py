"""Relative entropy coding: sends a sample of a target Q, given a coding distribution P, in about KL[Q || P] bits.

Each algorithm is a function that takes sizes and returns a `RECAlgorithm`. `encode` searches with it for a sample of Q
and returns the code; `decode` redraws the same sample from the code and the shared key, without Q. `plan` chooses sizes
for latents of known information, and `to_bytes` makes bytes that describe themselves, which `from_bytes` reads.

Example:
    >>> import numpy as np, recjax
    >>> from recjax import rec
    >>> algorithm, key, p = rec.ALGORITHMS["orc"](num_candidates=64), recjax.key(0), recjax.Normal(0.0, 1.0)
    >>> encoded = rec.encode(algorithm, key, recjax.Normal(np.array([[1.0, -0.5]]), 0.5), p)
    >>> bool((rec.decode(algorithm, key, p, encoded.code) == encoded.sample).all())
    True
"""

from recjax.rec.algorithms.ad_star import ad_star
from recjax.rec.algorithms.as_star import as_star
from recjax.rec.algorithms.dad_star import dad_star
from recjax.rec.algorithms.gprs import gprs
from recjax.rec.algorithms.gprs_global import gprs_global
from recjax.rec.algorithms.grc import grc
from recjax.rec.algorithms.mrc import mrc
from recjax.rec.algorithms.orc import orc
from recjax.rec.algorithms.pfr import pfr
from recjax.rec.algorithms.table import ALGORITHMS
from recjax.rec.base import Bins, Code, Encoded, Info, Path, RECAlgorithm, Status
from recjax.rec.engine import decode, decode_words, encode, stream_keys
from recjax.rec.envelope import Received, from_bytes, to_bytes
from recjax.rec.planned import Plan
from recjax.rec.planning import plan
from recjax.rec.trees.path_codec import branch_bits, cut_path_codec

__all__ = [
    "ALGORITHMS",
    "Bins",
    "Code",
    "Encoded",
    "Info",
    "Path",
    "Plan",
    "RECAlgorithm",
    "Received",
    "Status",
    "ad_star",
    "as_star",
    "branch_bits",
    "cut_path_codec",
    "dad_star",
    "decode",
    "decode_words",
    "encode",
    "from_bytes",
    "gprs",
    "gprs_global",
    "grc",
    "mrc",
    "orc",
    "pfr",
    "plan",
    "stream_keys",
    "to_bytes",
]
