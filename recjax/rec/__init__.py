"""Relative entropy coding: sends a sample of a target Q, given a coding distribution P, in about KL[Q || P] bits.

Each algorithm is a function that takes sizes and returns a `RECAlgorithm`. `encode` searches with it for a sample of Q
and returns the code; `decode` redraws the same sample from the code and the shared key, without Q.

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
from recjax.rec.base import Bins, Code, Encoded, Info, Path, RECAlgorithm, Status
from recjax.rec.engine import decode, decode_words, encode, stream_keys
from recjax.rec.trees.path_codec import branch_bits, cut_path_codec

ALGORITHMS = {
    "ad_star": ad_star,
    "as_star": as_star,
    "dad_star": dad_star,
    "gprs": gprs,
    "gprs_global": gprs_global,
    "grc": grc,
    "mrc": mrc,
    "orc": orc,
    "pfr": pfr,
}
"""The factory of every algorithm by its name, which is that of the function."""

__all__ = [
    "ALGORITHMS",
    "Bins",
    "Code",
    "Encoded",
    "Info",
    "Path",
    "RECAlgorithm",
    "Status",
    "ad_star",
    "as_star",
    "branch_bits",
    "cut_path_codec",
    "dad_star",
    "decode",
    "decode_words",
    "encode",
    "gprs",
    "gprs_global",
    "grc",
    "mrc",
    "orc",
    "pfr",
    "stream_keys",
]
