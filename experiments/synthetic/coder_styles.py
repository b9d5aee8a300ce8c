"""Labels, colours and markers of the coders in tables and plots; imports no JAX."""

from experiments.reporting import figures as panels

CODED = "_coded"
"""Suffix of the name of a coder whose branches are arithmetic-coded instead of sent as one bit each."""

LABELS = {
    "pfr": "PFR",
    "gprs_global": "GPRS, global",
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
    "as_star_coded": "AS*, coded cuts",
    "gprs_coded": "GPRS, coded cuts",
    "grc_sample_coded": "GRC at samples, coded cuts",
}
STYLES = {
    "pfr": {"color": panels.RED, "marker": "o"},
    "gprs_global": {"color": panels.ORANGE, "marker": "s"},
    "as_star": {"color": panels.BLUE, "marker": "^"},
    "ad_star": {"color": panels.GREEN, "marker": "v"},
    "gprs": {"color": "#cc79a7", "marker": "D"},
    "grc": {"color": "#56b4e9", "marker": "P"},
    "grc_sample": {"color": "#8c6d31", "marker": "h"},
    "dad_star": {"color": panels.GREEN, "marker": "<", "linestyle": ":", "markerfacecolor": "white"},
    "orc": {"color": panels.RED, "marker": "s", "linestyle": ":", "markerfacecolor": "white"},
    "mrc": {"color": "black", "marker": "x", "linestyle": ":"},
    "pfr_split": {"color": "black", "marker": "*"},
    "orc_split": {"color": panels.GREY, "marker": "X"},
    "as_star_coded": {"color": panels.BLUE, "marker": "^", "linestyle": "--", "markerfacecolor": "white"},
    "gprs_coded": {"color": "#cc79a7", "marker": "D", "linestyle": "--", "markerfacecolor": "white"},
    "grc_sample_coded": {"color": "#8c6d31", "marker": "h", "linestyle": "--", "markerfacecolor": "white"},
}
