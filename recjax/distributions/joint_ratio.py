"""The density ratio of a normal target with full covariance and independent normal coding distributions.

In units of the coding distributions, log r(z) is (|z|^2 - |W (z - mean)|^2) / 2 plus a constant, with W the inverse of
the target's Cholesky factor. Replacing the precision W^T W by a diagonal matrix D that it exceeds (W^T W - D is
positive semidefinite) gives independent normals whose density ratio is nowhere smaller. Coders use that bound for
everything that they can only compute of independent coordinates.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from recjax import grid
from recjax.distributions.multivariate_normal import MultivariateNormal
from recjax.distributions.normal import Normal
from recjax.distributions.normal_ratio import NormalRatio, normal_ratio
from recjax.distributions.ratio import BlockRatio
from recjax.pytrees import pytree

_HIGHEST = jax.lax.Precision.HIGHEST
_LEAST_SCALE, _MOST = 2.0**-grid.FRACTION_BITS, 2.0**20
# Error of singular values in float32, relative to the largest.
_ERROR = 1e-6
# Curvature of log r below which rounding could change its largest value.
_LEAST_CURVATURE = 1e-2
# Rounding error of a log ratio, in nats.
_ROUNDING = 1e-3


@pytree
class JointRatio(BlockRatio):
    """The density ratio of a block of dependent normals, with a bound of independent coordinates.

    Attributes:
        independent: The bound: the ratio of independent normals that is nowhere smaller.
        alone: The ratios of the target's marginals.
        whitening: W, the inverse of the target's Cholesky factor, [dim, dim].
        centre_fixed: The mean, clipped to the range of the grid's values, in units of 2^-26, [dim].
        white_centre: W (centre - mean), [dim].
        fallen: How far log r at the centre lies below the largest log r of the bound, in nats, [1].
        shortfall: A lower bound on how far the largest log r lies below that of the bound, in nats, [1].
        valid: Whether the target is a distribution, the same for all coordinates, [dim].
        covered: As in `BlockRatio`, [dim]; False also where the coordinates depend on each other more closely than
            float32 can resolve.
    """

    independent: NormalRatio
    alone: NormalRatio
    whitening: Any
    centre_fixed: Any
    white_centre: Any
    fallen: Any
    shortfall: Any
    valid: Any
    covered: Any

    @property
    def bound(self) -> NormalRatio:
        """A ratio of independent coordinates that is nowhere smaller."""
        return self.independent

    @property
    def marginal(self) -> NormalRatio:
        """The ratios of the target's marginals."""
        return self.alone

    @property
    def block_log_best(self) -> Float[Array, ""]:
        """An upper bound on the block's largest log r, less the largest of `bound`, in nats."""
        return -self.shortfall[0]

    def block_log_ratio(self, words: UInt32[Array, "dim n"]) -> Float[Array, " n"]:
        """Computes log r of blocks less the largest log r of the bound.

        Args:
            words: Words of the blocks' coordinates, [dim, n].

        Returns:
            Log ratios [n] in nats; 0 where the target is not valid.
        """
        z, centre = grid.value_fixed(words), self.centre_fixed[:, None]
        # Differences of integers keep all digits, for narrow targets and for those beyond the grid.
        delta = grid.to_float(z - centre)
        white = jnp.matmul(self.whitening, delta, precision=_HIGHEST)
        squares = delta * grid.to_float(z + centre) - white * (white + 2 * self.white_centre[:, None])
        return jnp.where(self.valid[0], 0.5 * jnp.sum(squares, axis=0) - self.fallen[0], 0.0)


def joint_ratio(q: MultivariateNormal, p: Normal) -> JointRatio:
    """Computes the density ratio of a block of dependent normals.

    Args:
        q: Target, with loc [dim] and scale_tril [dim, dim].
        p: Coding distribution [dim].

    Returns:
        The ratio of the block.
    """
    mean, tril, valid = _in_units_of(q, p)
    dim = mean.shape[0]
    whitening = jax.scipy.linalg.solve_triangular(tril, jnp.eye(dim, dtype=mean.dtype), lower=True)
    valid = valid & jnp.all(jnp.isfinite(whitening))
    mean, tril = jnp.where(valid, mean, 0.0), jnp.where(valid, tril, jnp.eye(dim, dtype=mean.dtype))
    whitening = jnp.where(valid, whitening, jnp.eye(dim, dtype=mean.dtype))

    # The precision, scaled to a diagonal of 1, is at least its smallest eigenvalue times the identity: the bound.
    spread = jnp.linalg.norm(whitening, axis=0)
    least = _singular_values(whitening / spread[None])[0][-1]
    standard = Normal(jnp.zeros_like(mean), jnp.ones_like(mean))
    scale = jnp.where(valid, 1 / (jnp.maximum(least, _ERROR) * spread), 1.0)
    bound = normal_ratio(Normal(mean, scale), standard)
    centre_fixed = grid.to_fixed(jnp.clip(mean, -grid.LAST_VALUE, grid.LAST_VALUE))
    centre = grid.to_float(centre_fixed)
    white_centre = jnp.matmul(whitening, centre - mean, precision=_HIGHEST)
    # Largest log ratios of the bound and of the target, without the constant that they share.
    level = jnp.sum(bound.log_maximum() + jnp.log(bound.scale))
    largest = _largest_exponent(whitening, mean)
    shortfall = jnp.maximum(jnp.where(valid & (largest < jnp.inf), level - largest, 0.0), 0.0)
    alone = normal_ratio(Normal(mean, jnp.linalg.norm(tril, axis=1)), standard)
    return JointRatio(
        independent=bound,
        alone=alone,
        whitening=whitening,
        centre_fixed=centre_fixed,
        white_centre=white_centre,
        fallen=(level - 0.5 * jnp.sum(jnp.square(centre) - jnp.square(white_centre)))[None],
        shortfall=shortfall[None],
        valid=jnp.broadcast_to(valid, mean.shape),
        covered=((least > _ERROR) & alone.covered_within(1 / spread)) | ~valid,
    )


def _in_units_of(
    q: MultivariateNormal, p: Normal
) -> tuple[Float[Array, " dim"], Float[Array, "dim dim"], Bool[Array, ""]]:
    """Expresses the target in units of the coding distributions.

    Returns:
        The mean, the Cholesky factor, both clipped to what float32 can work with, and whether the target is valid.
    """
    mean = (jnp.asarray(q.loc, jnp.float32) - p.loc) / p.scale
    tril = jnp.tril(jnp.asarray(q.scale_tril, jnp.float32)) / jnp.asarray(p.scale)[:, None]
    deviation = jnp.diagonal(tril)
    valid = jnp.all(jnp.isfinite(mean)) & jnp.all(jnp.isfinite(tril)) & jnp.all(deviation > 0)
    on_grid = jnp.diag(jnp.clip(deviation, _LEAST_SCALE, _MOST)) + jnp.tril(jnp.clip(tril, -_MOST, _MOST), -1)
    mean = jnp.where(valid, jnp.clip(mean, -_MOST, _MOST), 0.0)
    return mean, jnp.where(valid, on_grid, jnp.eye(len(mean), dtype=mean.dtype)), valid


def _singular_values(x: Float[Array, "dim dim"]) -> tuple[Float[Array, " dim"], Float[Array, "dim dim"]]:
    """Computes singular values, rounded down by their error, and the right singular vectors in rows."""
    _, values, vectors = jnp.linalg.svd(x)
    return values - _ERROR * len(x) * values[0], vectors


def _largest_exponent(whitening: Float[Array, "dim dim"], mean: Float[Array, " dim"]) -> Float[Array, ""]:
    """Bounds max over z of (|z|^2 - |W (z - mean)|^2) / 2 from above.

    Returns:
        The bound; inf where there is no maximum or float32 cannot tell.
    """
    # It is mean^T Lambda (Lambda - 1)^-1 mean / 2 with Lambda = W^T W; in its eigenbasis, no terms cancel.
    values, vectors = _singular_values(whitening)
    along = jnp.square(jnp.matmul(vectors, mean, precision=_HIGHEST))
    precision, excess = jnp.square(values), (values - 1) * (values + 1)
    exponent = 0.5 * jnp.sum(along * precision / jnp.maximum(excess, _LEAST_CURVATURE))
    rounding = _ROUNDING + _ERROR * len(mean) * values[0] / jnp.maximum(values[-1], _ERROR)
    return jnp.where((values[-1] > 0) & (excess[-1] > _LEAST_CURVATURE), exponent + rounding, jnp.inf)
