"""Labels, colours and markers of the coders in tables and plots; imports no JAX."""

from experiments.reporting import figures as panels

CODED = "_coded"
"""Suffix of the name of a coder whose branches are arithmetic-coded instead of sent as one bit each."""

LABELS = {
    "pfr": "PFR",
    "gprs_global": "global GPRS",
    "as_star": "AS*",
    "ad_star": "AD*",
    "gprs": "GPRS",
    "grc": "GRC",
    "grc_sample": "GRC at samples",
    "dad_star": "DAD*",
    "orc": "ORC",
    "mrc": "MRC",
    "pfr_split": "PFR, partitioned",
    "orc_split": "ORC, partitioned (biased)",
    "as_star_coded": "AS*, coded branches",
    "gprs_coded": "GPRS, coded branches",
    "grc_sample_coded": "GRC at samples, coded branches",
}
_LINES = {
    "pfr": {"marker": "o"},
    "gprs_global": {"marker": "s"},
    "as_star": {"marker": "^"},
    "ad_star": {"marker": "v"},
    "gprs": {"marker": "D"},
    "grc": {"marker": "P"},
    "grc_sample": {"marker": "h"},
    "dad_star": {"marker": "<", "linestyle": ":", "markerfacecolor": "white"},
    "orc": {"marker": "s", "linestyle": ":", "markerfacecolor": "white"},
    "mrc": {"marker": "x", "linestyle": ":"},
    "pfr_split": {"marker": "*", "linestyle": "-."},
    "orc_split": {"marker": "X", "linestyle": "-."},
    "as_star_coded": {"marker": "^", "linestyle": "--", "markerfacecolor": "white"},
    "gprs_coded": {"marker": "D", "linestyle": "--", "markerfacecolor": "white"},
    "grc_sample_coded": {"marker": "h", "linestyle": "--", "markerfacecolor": "white"},
}
STYLES = {
    name: style | {"color": panels.METHODS[name.removesuffix(CODED).removesuffix("_split")]}
    for name, style in _LINES.items()
}
