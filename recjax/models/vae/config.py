"""The shape of a variational autoencoder, which training and the model's file state."""

from dataclasses import dataclass
from math import prod

from recjax.models.likelihoods.families import Likelihood, make_likelihood

POSTERIORS = ("normal", "isokl")


MIN_LOG2_SCALE, MAX_LOG2_SCALE = -12, 2
"""Posterior scales are kept between 2^-12 and 2^2 prior standard deviations."""


@dataclass(frozen=True)
class VAEConfig:
    """Shape of a VAE.

    image_shape: (height, width) of an image; it is coded as height * width pixels in row order.
    levels: pixels are 0 to levels - 1.
    latents: number of latent coordinates.
    hidden: widths of the hidden ReLU layers of the inference network; the generative network mirrors them.
    likelihood: name of the pixel likelihood.
    dropout: probability of dropping a hidden unit in training, in both networks.
    context_radius: 0, or how far a pixel sees the pixels before it (see `recjax.coding.wavefront`). The generative
        network then gives every pixel `features` numbers, and a third network, the head, makes the parameters of its
        likelihood from these and the context.
    head: widths of the hidden ReLU layers of the head.
    posterior: "normal", a mean and a scale for each latent; or "isokl", see `recjax.models.vae.isokl`.
    kl_groups: for "isokl", runs of latents that share a learned KL divergence.
    """

    image_shape: tuple[int, int]
    levels: int
    latents: int
    hidden: tuple[int, ...] = (256, 256)
    likelihood: str = "beta_binomial"
    dropout: float = 0.0
    context_radius: int = 0
    features: int = 4
    head: tuple[int, ...] = (64, 64)
    posterior: str = "normal"
    kl_groups: int = 1

    @property
    def pixels(self) -> int:
        return prod(self.image_shape)

    def make_likelihood(self) -> Likelihood:
        return make_likelihood(self.likelihood, self.levels)
