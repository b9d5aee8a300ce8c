"""Which coder should one take? A table from measured overheads and steps, beside what each coder asks for."""

from typing import Any, NamedTuple

from experiments.tables import ABSENT, Table, number


class _Choice(NamedTuple):
    """A row: how the coder is called, the rows of results that measured it, and what a user must know."""

    call: str
    one: str
    many: str
    exact: str
    targets: str
    take_it: str


_PLACES = ("one", "many")
_ANY, _ONE_MODE, _NORMAL = "any, also full covariance", "one mode per coordinate", "narrower normals"
_CHOICES = (
    _Choice("`pfr`, `bins=`", "pfr_split", "pfr_split", "yes", _ANY, "blocks of up to some 20 bits, exact samples"),
    _Choice("`orc`, `bins=`", "", "orc_split", "no", _ANY, "blocks of any size in a fixed time: read the bias"),
    _Choice("`pfr`", "pfr", "pfr", "yes", _ANY, "blocks of up to some 10 bits, no marginals to cut by"),
    _Choice("`ad_star`", "ad_star", "ad_star", "yes", "any", "one coordinate; quickest to decode, whatever the target"),
    _Choice(
        "`as_star`", "as_star_coded", "as_star_coded", "yes", _ONE_MODE, "one coordinate, the fewest bits of these"
    ),
    _Choice("`gprs`", "gprs_coded", "gprs_coded", "yes", _NORMAL, "comparisons: as `as_star`"),
    _Choice("`grc`", "grc", "grc", "yes", _NORMAL, "one coordinate; the fewest steps"),
    _Choice("`gprs_global`", "gprs_global", "", "yes", _NORMAL, "comparisons: as `pfr` of one coordinate"),
    _Choice("`dad_star`", "", "", "no", "any", "one coordinate in a fixed time, of a code of fixed length"),
    _Choice("`mrc`", "", "", "no", _ANY, "comparisons: an index of fixed length"),
)


def choice(result: dict[str, Any]) -> Table:
    """From the result of the experiment on overheads, at the largest information that most coders were given."""
    config = result["config"]
    amounts = [row["information"] for place in _PLACES for row in result[place]]
    # Where most coders were run, as some cannot afford much.
    middle = max(config["information"], key=lambda amount: (amounts.count(amount), amount))
    one, many = (_rows(result[place], middle) for place in _PLACES)
    dims = middle // config["per_dim_bits"]
    rows = [
        (
            own.call, own.exact, own.targets,
            _overhead(one, own.one), _overhead(many, own.many), _steps(one, own.one), _steps(many, own.many),
            own.take_it,
        )
        for own in _CHOICES
    ]  # fmt: skip
    head = (
        "coder", "exact", "targets", f"bits over KL, 1 dim of {middle} bits", f"in {dims} dims",
        "steps, 1 dim", f"steps, {dims} dims", "take it for",
    )  # fmt: skip
    notes = (
        f"Gaussian channels of {middle} bits of mutual information, {config['runs']:,} targets each: in one dimension, "
        f"and {config['per_dim_bits']} bits in each of {dims}. Coders of single coordinates pay for every dimension.",
        "Bits: the code less the KL, under a zeta law that knows the mean of the index or depth; `as_star` and `gprs` "
        f"with arithmetic-coded branches (`rec.cut_path_codec`). {ABSENT}: not measured there; synthetic_scalar "
        "measures `dad_star` and `mrc`.",
        "Exact: the sample follows the target while the budget lasts, and `info.status` tells. The code of a biased "
        "coder looks too short.",
    )
    return Table("Coders of `recjax.rec`, and what they cost", head, tuple(rows), notes, "choice")


def _rows(rows: list[dict[str, Any]], information: int) -> dict[str, dict[str, Any]]:
    return {row["coder"]: row for row in rows if row["information"] == information}


def _overhead(rows: dict[str, dict[str, Any]], name: str) -> str:
    return number(rows[name]["zeta_overhead"], 1) if name in rows else ABSENT


def _steps(rows: dict[str, dict[str, Any]], name: str) -> str:
    return number(rows[name]["steps"], 0) if name in rows else ABSENT
