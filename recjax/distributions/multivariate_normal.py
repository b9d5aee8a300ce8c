"""The normal distribution with a full covariance, as a target."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from recjax.distributions.base import Distribution
from recjax.pytrees import pytree


@pytree
class MultivariateNormal(Distribution):
    """Blocks of dependent normals, of mean `loc` [*batch, dim] and covariance L L^T.

    L is `scale_tril` [*batch, dim, dim], lower triangular with a positive diagonal; what it has above the diagonal does
    not count.
    """

    loc: Any
    scale_tril: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(jnp.shape(self.loc), jnp.shape(self.scale_tril)[:-1])

    def in_rows(self, shape: tuple[int, ...], rows: int, dim: int) -> "MultivariateNormal":
        xp = np if isinstance(self.loc, np.ndarray) and isinstance(self.scale_tril, np.ndarray) else jnp
        loc = xp.broadcast_to(xp.asarray(self.loc, xp.float32), shape).reshape(rows, dim)
        tril = xp.broadcast_to(xp.asarray(self.scale_tril, xp.float32), (*shape, dim))
        return type(self)(loc, tril.reshape(rows, dim, dim))
