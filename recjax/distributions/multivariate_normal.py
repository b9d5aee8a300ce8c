"""The normal distribution with full covariance, as a target."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from recjax.distributions.base import Distribution
from recjax.pytrees import pytree


@pytree
class MultivariateNormal(Distribution):
    """Blocks of dependent normals with means `loc` and covariance L L^T, where L is `scale_tril`.

    Attributes:
        loc: Means, [*batch, dim].
        scale_tril: Cholesky factors L, [*batch, dim, dim], lower triangular with a positive diagonal; entries above the
            diagonal are ignored.

    Example:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from recjax.distributions import MultivariateNormal, Normal, density_ratio
        >>> q = MultivariateNormal(jnp.zeros(2), jnp.array([[0.5, 0.0], [0.4, 0.3]]))
        >>> ratio = jax.jit(density_ratio)(q, Normal(jnp.zeros(2), jnp.ones(2)))
        >>> q.shape, ratio.valid.tolist(), ratio.covered.tolist()
        ((2,), [True, True], [True, True])
    """

    loc: Any
    scale_tril: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one draw, [*batch, dim]."""
        return np.broadcast_shapes(jnp.shape(self.loc), jnp.shape(self.scale_tril)[:-1])

    def in_rows(self, shape: tuple[int, ...], rows: int, dim: int) -> "MultivariateNormal":
        """Broadcasts the parameters to a shape and folds its batch axes into one.

        Args:
            shape: [*batch, dim], to which the means broadcast.
            rows: Product of the batch axes.
            dim: Number of coordinates of a block.

        Returns:
            The distribution with loc [rows, dim] and scale_tril [rows, dim, dim], float32.
        """
        xp = np if isinstance(self.loc, np.ndarray) and isinstance(self.scale_tril, np.ndarray) else jnp
        loc = xp.broadcast_to(xp.asarray(self.loc, xp.float32), shape).reshape(rows, dim)
        tril = xp.broadcast_to(xp.asarray(self.scale_tril, xp.float32), (*shape, dim))
        return type(self)(loc, tril.reshape(rows, dim, dim))
