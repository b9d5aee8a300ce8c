"""Relative entropy coding: send a sample of a target Q, given a coding distribution P, in about KL[Q || P] bits."""

from recjax.rec.base import Bins, Code, Encoded, Info, RECAlgorithm, Status
from recjax.rec.engine import decode, decode_words, encode
from recjax.rec.orc import orc
from recjax.rec.pfr import pfr

ALGORITHMS = {"pfr": pfr, "orc": orc}

__all__ = [
    "ALGORITHMS",
    "Bins",
    "Code",
    "Encoded",
    "Info",
    "RECAlgorithm",
    "Status",
    "decode",
    "decode_words",
    "encode",
    "orc",
    "pfr",
]
