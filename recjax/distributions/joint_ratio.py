"""The density ratio of a full-covariance normal target and independent normal coding distributions.

With Lambda the target's precision in units of the coding distributions and D a diagonal matrix below it, log r falls
short of that of the independent normals of precision D by the square |R (z - mean)|^2 / 2, R^T R = Lambda - D. So the
independent ones bound it: whatever coders know of independent coordinates, they know of these.
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

# Of the smallest eigenvalue, which rounding might make 0.
_LEAST_SHARE = 1e-6
# Of the ratio's curvature, below which rounding might move its largest value.
_LEAST_CURVATURE = 1e-2
# What rounding may take off a log ratio, in nats.
_ROUNDING = 1e-3


@pytree
class JointRatio(BlockRatio):
    """The ratio of a block by its bound, its marginals, and the root R [dim, dim] of what the bound leaves out.

    shortfall: by how much the largest log r falls short of that of the bound, in nats, on an axis of one.
    """

    independent: NormalRatio
    alone: NormalRatio
    root: Any
    shortfall: Any
    valid: Any

    @property
    def block_log_best(self) -> Float[Array, ""]:
        return -self.shortfall[0]

    @property
    def covered(self) -> Bool[Array, " dim"]:
        return jnp.ones_like(self.valid)

    @property
    def bound(self) -> NormalRatio:
        return self.independent

    @property
    def marginal(self) -> NormalRatio:
        return self.alone

    def block_log_ratio(self, words: UInt32[Array, "dim n"]) -> Float[Array, " n"]:
        bound = self.independent.over_words()
        from_mean = grid.to_float(grid.value_fixed(words) - bound.best_fixed) + bound.offset
        left_out = jnp.matmul(self.root, from_mean, precision=jax.lax.Precision.HIGHEST)
        return self.independent.block_log_ratio(words) - 0.5 * jnp.sum(jnp.square(left_out), axis=0)


def joint_ratio(q: MultivariateNormal, p: Normal) -> JointRatio:
    """The ratio of a block of target q [dim], [dim, dim] and coding distribution p [dim]."""
    mean = (jnp.asarray(q.loc, jnp.float32) - p.loc) / p.scale
    tril = jnp.tril(jnp.asarray(q.scale_tril, jnp.float32)) / jnp.asarray(p.scale)[:, None]
    valid = jnp.all(jnp.isfinite(mean)) & jnp.all(jnp.isfinite(tril)) & jnp.all(jnp.diagonal(tril) > 0)
    eye = jnp.eye(mean.shape[0])
    mean, tril = jnp.where(valid, mean, 0.0), jnp.where(valid, tril, eye)

    whitening = jax.scipy.linalg.solve_triangular(tril, eye, lower=True)
    precision = jnp.matmul(whitening.T, whitening, precision=jax.lax.Precision.HIGHEST)
    spread = jnp.sqrt(jnp.diagonal(precision))
    # Of precisions scaled to a diagonal of 1, a multiple of the identity lies below: the smallest eigenvalue.
    values, vectors = jnp.linalg.eigh(precision / (spread[:, None] * spread))
    least = jnp.maximum(values[0] * (1 - _LEAST_SHARE), _LEAST_SHARE)
    root = jnp.sqrt(jnp.maximum(values - least, 0.0))[:, None] * vectors.T * spread
    standard = Normal(jnp.zeros_like(mean), jnp.ones_like(mean))
    bound = normal_ratio(Normal(mean, jnp.where(valid, 1 / (jnp.sqrt(least) * spread), 1.0)), standard)
    # Both maxima without log det Lambda / 2, which they share but for what D leaves of it.
    own = _largest_exponent(precision, mean)
    shortfall = jnp.sum(bound.log_maximum() - 0.5 * jnp.log(least) - jnp.log(spread)) - own
    shortfall = jnp.maximum(jnp.where(own < jnp.inf, shortfall, 0.0), 0.0)
    deviation = jnp.sqrt(jnp.sum(jnp.square(tril), axis=1))
    return JointRatio(
        independent=bound,
        alone=normal_ratio(Normal(mean, deviation), standard),
        root=jnp.where(valid, root, 0.0),
        shortfall=jnp.where(valid, shortfall, 0.0)[None],
        valid=jnp.broadcast_to(valid, mean.shape),
    )


def _largest_exponent(precision: Float[Array, "dim dim"], mean: Float[Array, " dim"]) -> Float[Array, ""]:
    """max over z of (|z|^2 - (z - mean)^T Lambda (z - mean)) / 2, inf where it has none, or hardly any."""
    # It is mean^T Lambda (Lambda - 1)^-1 mean / 2, in whose eigenvectors nothing cancels.
    values, vectors = jnp.linalg.eigh(precision)
    along = jnp.square(jnp.matmul(vectors.T, mean, precision=jax.lax.Precision.HIGHEST))
    excess = values - 1
    exponent = 0.5 * jnp.sum(along * values / jnp.maximum(excess, _LEAST_CURVATURE)) + _ROUNDING
    return jnp.where(excess[0] > _LEAST_CURVATURE, exponent, jnp.inf)
