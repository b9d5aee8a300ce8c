"""The configuration of a variational autoencoder, which training and the model's file state."""

from dataclasses import dataclass
from math import prod

from recjax.models.likelihoods.families import Likelihood, make_likelihood

POSTERIORS = ("normal", "isokl")
"""Kinds of posteriors, see `VAEConfig`."""


MIN_LOG2_SCALE, MAX_LOG2_SCALE = -12, 2
"""Posterior scales lie between 2^-12 and 2^2 prior standard deviations; those of a "normal" posterior are clipped."""


@dataclass(frozen=True)
class VAEConfig:
    """Sizes and options of a VAE.

    Attributes:
        image_shape: (height, width) of an image, which is coded as height * width pixels in row order.
        levels: Number of pixel values, which are 0 to levels - 1.
        latents: Number of latent coordinates.
        hidden: Widths of the hidden ReLU layers of the inference network; the generative network has them in reverse.
        likelihood: Name of the pixel likelihood, a key of `recjax.models.likelihoods.families.LIKELIHOODS`.
        dropout: Probability of dropping a hidden unit of the inference or the generative network in training.
        context_radius: How far a pixel sees decoded pixels (see `recjax.coding.wavefront`), or 0. If it is above 0, the
            generative network gives every pixel `features` numbers, and a third network, the head, computes the
            parameters of the pixel's likelihood from these and its context.
        features: Numbers for each pixel that the head takes from the generative network.
        head: Widths of the hidden ReLU layers of the head.
        posterior: "normal", with a mean and a scale for each latent; or "isokl", see `recjax.models.vae.isokl`.
        kl_groups: Number of runs of latents that share a learned KL divergence, for "isokl".
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
        """Number of pixels of an image."""
        return prod(self.image_shape)

    def make_likelihood(self) -> Likelihood:
        """Makes the likelihood of a pixel.

        Returns:
            The likelihood of the configured name for the configured number of levels.

        Raises:
            ValueError: There is no such likelihood, or it does not have this number of levels.
        """
        return make_likelihood(self.likelihood, self.levels)
