"""Distributions as small pytrees, and what relative entropy coding asks of a pair of them."""

from recjax.distributions.divergences import kl_bits, kl_nats, renyi_infinity_bits
from recjax.distributions.normal import Normal
from recjax.distributions.ratio import DensityRatio, density_ratio

__all__ = ["DensityRatio", "Normal", "density_ratio", "kl_bits", "kl_nats", "renyi_infinity_bits"]
