"""Chooses the density ratio for a pair of target and coding distribution, and checks that there is one."""

from typing import Any, overload

import jax.numpy as jnp

from recjax.distributions.base import CodingDistribution, Coordinatewise, Distribution
from recjax.distributions.joint_ratio import JointRatio, joint_ratio
from recjax.distributions.log_concave_ratio import log_concave_ratio
from recjax.distributions.multivariate_normal import MultivariateNormal
from recjax.distributions.normal import Normal
from recjax.distributions.normal_ratio import normal_ratio
from recjax.distributions.ratio import DensityRatio


@overload
def density_ratio(q: Coordinatewise, p: CodingDistribution) -> DensityRatio: ...
@overload
def density_ratio(q: Distribution, p: CodingDistribution) -> DensityRatio | JointRatio: ...
def density_ratio(q: Distribution, p: CodingDistribution) -> DensityRatio | JointRatio:
    """Computes the density ratio of a target and a coding distribution, for one block of coordinates.

    Args:
        q: Target: any distribution of this package, [dim].
        p: Coding distribution [dim]; a Normal if q is a MultivariateNormal.

    Returns:
        The ratio over words: a `DensityRatio` if the coordinates of q are independent, else a `JointRatio`.

    Raises:
        ValueError: If samples of q cannot be coded with p.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import Normal, density_ratio
        >>> q = Normal(jnp.array([1.0]), jnp.array([0.1]))
        >>> ratio = jax.jit(density_ratio)(q, Normal(jnp.zeros(1), jnp.ones(1)))
        >>> round(float(ratio.log_maximum()[0]), 2), bool(ratio.covered[0])
        (2.81, True)
    """
    check_pair(q, p)
    make: Any = log_concave_ratio
    if isinstance(q, MultivariateNormal):
        make = joint_ratio
    elif isinstance(q, Normal) and isinstance(p, Normal):
        make = normal_ratio
    return make(q, p)


def scalar_ratio(q: Coordinatewise, p: CodingDistribution) -> DensityRatio:
    """Computes the density ratio for a block of a single coordinate, without the axis of coordinates.

    Args:
        q: Target [1].
        p: Coding distribution [1].

    Returns:
        The ratio, whose arrays have lost their first axis.

    Raises:
        ValueError: If samples of q cannot be coded with p.
    """
    return density_ratio(q, p).scalar()


def check_pair(q: Any, p: Any, scalar: bool = False) -> None:
    """Checks that samples of q can be coded with p.

    Args:
        q: Target.
        p: Coding distribution.
        scalar: Whether the coder codes every coordinate separately, which takes independent coordinates.

    Raises:
        ValueError: If they cannot.
    """
    check_coding_distribution(p)
    if not isinstance(q, Coordinatewise | MultivariateNormal):
        raise ValueError(f"q is a target from recjax.distributions, got {_name(q)}; take Normal or one of the others")
    if scalar and not isinstance(q, Coordinatewise):
        raise ValueError(f"a scalar coder sends each coordinate separately, got a {_name(q)}; take pfr or orc")
    if isinstance(q, MultivariateNormal):
        _check_joint(q, p)


def _check_joint(q: MultivariateNormal, p: CodingDistribution) -> None:
    if not isinstance(p, Normal):
        raise ValueError(f"a MultivariateNormal target asks for a Normal coding distribution, got {_name(p)}; take one")
    loc, tril, scale = jnp.shape(q.loc), jnp.shape(q.scale_tril), p.shape
    if len(loc) < 1 or len(tril) < 2 or not loc[-1] == tril[-1] == tril[-2] or (scale or (1,))[-1] not in (1, loc[-1]):
        raise ValueError(
            "a MultivariateNormal has a loc [..., dim], a scale_tril [..., dim, dim] and a p [..., dim], of one dim, "
            f"got {loc}, {tril} and {scale}; give the Cholesky factor of its covariance"
        )


def check_coding_distribution(p: Any) -> None:
    """Checks that p is a coding distribution, whose quantiles are integers from a table.

    Args:
        p: The object to check.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(p, CodingDistribution):
        raise ValueError(
            "p is a coding distribution, whose quantiles are tables: Normal, Uniform, Laplace, Logistic or Triangular, "
            f"got {_name(p)}; take one of them"
        )


def _name(distribution: object) -> str:
    return type(distribution).__name__
