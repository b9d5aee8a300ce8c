"""Distributions as small pytrees, with the divergences and density ratios that relative entropy coding needs.

Distributions over arrays [*batch, dim] hold arrays that broadcast to that shape; each batch index is a block of `dim`
coordinates. Those of `CodingDistribution` (Normal, Uniform, Laplace, Logistic, Triangular) can be coded with; the
others (TruncatedNormal, MultivariateNormal) are targets only.
"""

from recjax.distributions.base import CodingDistribution, Coordinatewise, Distribution
from recjax.distributions.divergences import kl_bits, kl_nats, renyi_infinity_bits
from recjax.distributions.multivariate_normal import MultivariateNormal
from recjax.distributions.normal import Normal
from recjax.distributions.pairs import density_ratio
from recjax.distributions.ratio import BlockRatio, DensityRatio
from recjax.distributions.symmetric import Laplace, Logistic, Triangular, Uniform
from recjax.distributions.truncated_normal import TruncatedNormal

__all__ = [
    "BlockRatio",
    "CodingDistribution",
    "Coordinatewise",
    "DensityRatio",
    "Distribution",
    "Laplace",
    "Logistic",
    "MultivariateNormal",
    "Normal",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "density_ratio",
    "kl_bits",
    "kl_nats",
    "renyi_infinity_bits",
]
