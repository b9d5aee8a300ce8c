"""The table of the algorithms of relative entropy coding."""

from recjax.rec.algorithms.ad_star import ad_star
from recjax.rec.algorithms.as_star import as_star
from recjax.rec.algorithms.dad_star import dad_star
from recjax.rec.algorithms.gprs import gprs
from recjax.rec.algorithms.gprs_global import gprs_global
from recjax.rec.algorithms.grc import grc
from recjax.rec.algorithms.mrc import mrc
from recjax.rec.algorithms.orc import orc
from recjax.rec.algorithms.pfr import pfr

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
"""The factory of every algorithm by its name, which is that of the function.

`rec.from_bytes` looks here for the algorithm that bytes name, so add the factory of a coder of your own, under the name
of its algorithm, before you write such bytes and before you read them.
"""
