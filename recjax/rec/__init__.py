"""Relative entropy coding: send a sample of a target Q, given a coding distribution P, in about KL[Q || P] bits."""

from recjax.rec.as_star import as_star
from recjax.rec.base import Bins, Code, Encoded, Info, Path, RECAlgorithm, Status
from recjax.rec.engine import decode, decode_words, encode
from recjax.rec.orc import orc
from recjax.rec.pfr import pfr

ALGORITHMS = {"pfr": pfr, "orc": orc, "as_star": as_star}

__all__ = [
    "ALGORITHMS",
    "Bins",
    "Code",
    "Encoded",
    "Info",
    "Path",
    "RECAlgorithm",
    "Status",
    "as_star",
    "decode",
    "decode_words",
    "encode",
    "orc",
    "pfr",
]
