"""Renders the table that helps to choose a coder: measured overheads and steps, and what each coder requires."""

from typing import Any, NamedTuple

from experiments.reporting.tables import ABSENT, Table, number


class _Choice(NamedTuple):
    """Holds one row of the table.

    Attributes:
        call: How the coder is called.
        one: Name of its rows in the results in one dimension; "" if it was not run there.
        many: Name of its rows in the results in many dimensions; "" if it was not run there.
        exact: Whether its samples follow the target, "yes" or "no".
        targets: Targets that it can be given.
        known: What encoder and decoder must know in advance.
        take_it: What to choose it for.
    """

    call: str
    one: str
    many: str
    exact: str
    targets: str
    known: str
    take_it: str


_PLACES = ("one", "many")
_ANY, _ONE_MODE, _NORMAL = "any, also full covariance", "unimodal density ratio", "normal, narrower than the prior"
_BINS, _INDEX, _DEPTH = "mean KL per dimension; mean log2 index", "mean log2 index", "mean log2 (depth + 1)"
_LARGEST = "the largest KL"
_CHOICES = (
    _Choice("`pfr` with bins", "pfr_split", "pfr_split", "yes", _ANY, _BINS, "blocks, exact samples"),
    _Choice("`orc` with bins", "", "orc_split", "no", _ANY, _BINS, "blocks in a fixed time, with a bias"),
    _Choice("`pfr`", "pfr", "pfr", "yes", _ANY, _INDEX, "small D_inf, if mean KLs are unknown"),
    _Choice("`ad_star`", "ad_star", "ad_star", "yes", "any", _DEPTH, "scalars of large D_inf, any target"),
    _Choice("`as_star`", "as_star_coded", "as_star_coded", "yes", _ONE_MODE, _DEPTH, "scalars of large D_inf"),
    _Choice("`gprs`", "gprs_coded", "gprs_coded", "yes", _NORMAL, _DEPTH, "comparison with `as_star`"),
    _Choice("`grc`", "grc", "grc", "yes", _NORMAL, _DEPTH, "scalars of large D_inf"),
    _Choice(
        '`grc(split="sample")`', "grc_sample_coded", "grc_sample_coded", "yes", _NORMAL, _DEPTH,
        "comparison with `as_star`",
    ),
    _Choice("`gprs_global`", "gprs_global", "gprs_global", "yes", _NORMAL, _INDEX, "comparison with `pfr`"),
    _Choice("`dad_star`", "dad_star", "", "no", "any", _LARGEST, "scalars in a fixed time and code length"),
    _Choice("`orc`", "orc", "", "no", _ANY, f"{_LARGEST}; {_INDEX}", "comparison with `dad_star`"),
    _Choice("`mrc`", "mrc", "", "no", _ANY, _LARGEST, "comparison with `dad_star`"),
)  # fmt: skip


def choice(result: dict[str, Any]) -> Table:
    """Renders the table at the largest mutual information among those that the most coders were run at.

    Args:
        result: The recorded result of `experiments.synthetic.overhead.run`.

    Returns:
        A table with a row for each coder.
    """
    config = result["config"]
    amounts = [row["information"] for place in _PLACES for row in result[place]]
    # The largest amount at which the most coders were run, as some are too slow for large amounts.
    middle = max(config["information"], key=lambda amount: (amounts.count(amount), amount))
    one, many = (_rows(result[place], middle) for place in _PLACES)
    dims = middle // config["per_dim_bits"]
    rows = [
        (
            own.call, own.exact, own.targets, own.known,
            _overhead(one, own.one), _overhead(many, own.many), _steps(one, own.one), _steps(many, own.many),
            own.take_it,
        )
        for own in _CHOICES
    ]  # fmt: skip
    head = (
        "coder", "exact", "targets", "known in advance", "bits over KL, 1 dimension",
        f"bits over KL, {dims} dimensions", "steps, 1 dimension", f"steps, {dims} dimensions", "use for",
    )  # fmt: skip
    notes = (
        f"Gaussian channels of {middle} bits of mutual information, n = {config['runs']:,} targets each, in one "
        f"dimension and with {config['per_dim_bits']} bits in each of {dims}. Scalar coders code every dimension "
        "separately.",
        f"{_fewest(one, many, dims)} A scalar coder suits targets of unknown mean KL, or of large D_inf: it takes a "
        "few steps down a tree, where a search without a tree examines 2^D_inf candidates.",
        "Bits over KL: mean codelength less KL, under a zeta distribution fitted to the mean of the index or depth; "
        '`as_star`, `gprs` and `grc(split="sample")` with arithmetic-coded branches (`rec.cut_path_codec`). Steps: '
        f"medians. {ABSENT}: not measured.",
        "Known in advance: by encoder and decoder, for instance from a training set. Exact: samples follow the "
        "target unless a search ends at its budget, which `info.status` reports. `dad_star`, `orc` and `mrc` "
        "without bins are shown at the smallest size for which no bias is detected, `orc` with bins at a fixed "
        "number of candidates. The code of a biased coder is too short.",
    )
    return Table(
        "Coders of `recjax.rec`: requirements, bits and steps", head, tuple(rows), notes, "choice", (0, 1, 2, 3, 8)
    )


def _rows(rows: list[dict[str, Any]], information: int) -> dict[str, dict[str, Any]]:
    return {row["coder"]: row for row in rows if row["information"] == information}


def _fewest(one: dict[str, dict[str, Any]], many: dict[str, dict[str, Any]], dims: int) -> str:
    """Names the exact coders with the fewest bits and steps, among all coders and among scalar ones."""
    exact = [c for c in _CHOICES if c.exact == "yes"]
    scalar = [c for c in exact if not c.call.startswith("`pfr`")]
    found = []
    for rows, place, words in ((one, "one", "1 dimension"), (many, "many", f"{dims} dimensions")):
        for key, figure in (("zeta_overhead", "bits"), ("steps_median", "steps")):
            names = [_first(rows, [(getattr(c, place), c.call) for c in group], key) for group in (exact, scalar)]
            found.append(f"fewest {figure} in {words}: {names[0]} (of scalar coders: {names[1]})")
    return f"Of the exact coders, {'; '.join(found)}."


def _first(rows: dict[str, dict[str, Any]], coders: list[tuple[str, str]], figure: str) -> str:
    measured = [(rows[name][figure], call) for name, call in coders if name in rows]
    return min(measured)[1] if measured else ABSENT


def _overhead(rows: dict[str, dict[str, Any]], name: str) -> str:
    return number(rows[name]["zeta_overhead"], 1) if name in rows else ABSENT


def _steps(rows: dict[str, dict[str, Any]], name: str) -> str:
    return number(rows[name]["steps_median"], 0) if name in rows else ABSENT
