"""Relative entropy coding: send a sample of a target Q, given a coding distribution P, in about KL[Q || P] bits."""

from recjax.rec.ad_star import ad_star
from recjax.rec.as_star import as_star
from recjax.rec.base import Bins, Code, Encoded, Info, Path, RECAlgorithm, Status
from recjax.rec.cut_paths import branch_bits, cut_path_codec
from recjax.rec.dad_star import dad_star
from recjax.rec.engine import decode, decode_words, encode, stream_keys
from recjax.rec.gprs import gprs
from recjax.rec.gprs_global import gprs_global
from recjax.rec.grc import grc
from recjax.rec.mrc import mrc
from recjax.rec.orc import orc
from recjax.rec.pfr import pfr

ALGORITHMS = {
    "pfr": pfr,
    "orc": orc,
    "mrc": mrc,
    "as_star": as_star,
    "ad_star": ad_star,
    "dad_star": dad_star,
    "gprs": gprs,
    "gprs_global": gprs_global,
    "grc": grc,
}

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
