"""Relative entropy coding: send a sample of a target Q, given a coding distribution P, in about KL[Q || P] bits."""

from recjax.rec.algorithms.ad_star import ad_star as ad_star
from recjax.rec.algorithms.as_star import as_star as as_star
from recjax.rec.algorithms.dad_star import dad_star as dad_star
from recjax.rec.algorithms.gprs import gprs as gprs
from recjax.rec.algorithms.gprs_global import gprs_global as gprs_global
from recjax.rec.algorithms.grc import grc as grc
from recjax.rec.algorithms.mrc import mrc as mrc
from recjax.rec.algorithms.orc import orc as orc
from recjax.rec.algorithms.pfr import pfr as pfr
from recjax.rec.base import Bins, Code, Encoded, Info, Path, RECAlgorithm, Status
from recjax.rec.engine import decode, decode_words, encode, stream_keys
from recjax.rec.trees.path_codec import branch_bits, cut_path_codec

ALGORITHMS = {
    name: make
    for name, make in tuple(globals().items())
    if getattr(make, "__annotations__", {}).get("return") is RECAlgorithm
}
"""Every algorithm by its name: what is imported above and makes one."""

__all__ = [
    "ALGORITHMS",
    "Bins",
    "Code",
    "Encoded",
    "Info",
    "Path",
    "RECAlgorithm",
    "Status",
    "branch_bits",
    "cut_path_codec",
    "decode",
    "decode_words",
    "encode",
    "stream_keys",
]
