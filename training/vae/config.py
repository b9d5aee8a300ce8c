"""Settings of a training run: the shape of the network and how to train it, checked when they are made."""

from dataclasses import dataclass
from typing import Literal, get_args

Posterior = Literal["normal", "isokl"]
LikelihoodName = Literal["auto", "bernoulli", "beta_binomial", "categorical", "discretised_logistic"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Network:
    """The shape of the VAE."""

    latents: int = 20
    """Number of latents of an image. Those that turn out to carry no information are removed after training."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of the inference network; the generative network has the same in reverse order."""
    dropout: float = 0.1
    """Probability of dropping a hidden unit in training."""
    posterior: Posterior = "normal"
    """Kind of posterior.
    normal: a mean and a scale for each latent.
    isokl: the same KL divergence for all images and all latents of a group (arXiv:2201.12857).
    The latter suits codes of fixed length; bits-back cannot code it."""
    likelihood: LikelihoodName = "auto"
    """Distribution of a pixel: bernoulli for 2 levels, any other for more. auto takes bernoulli or beta_binomial."""
    context_radius: int = 0
    """Number of rows and columns of decoded pixels that the distribution of a pixel depends on, 1 to 4; 0 for none.
    For grey images combine it with the categorical likelihood."""
    features: int = 4
    """With a context: number of features of each pixel that the generative network computes."""
    head: tuple[int, ...] = (64, 64)
    """With a context: widths of the hidden layers that turn a pixel's features and context into its distribution."""
    kl_groups: int = 1
    """For isokl: number of groups of consecutive latents, each with a learned KL divergence of its own."""

    def __post_init__(self) -> None:
        if self.latents < 1:
            raise ValueError(f"latents must be at least 1, got {self.latents}; raise it.")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must be widths of at least 1, got {list(self.hidden)}; give one for each layer.")
        if self.posterior not in get_args(Posterior):
            raise ValueError(
                f"posterior must be {' or '.join(get_args(Posterior))}, got {self.posterior!r}; choose one."
            )
        if self.likelihood not in get_args(LikelihoodName):
            names = ", ".join(get_args(LikelihoodName))
            raise ValueError(f"likelihood must be one of {names}, got {self.likelihood!r}; choose one.")
        if not 0 <= self.context_radius <= 4:
            raise ValueError(f"context_radius must be 0 to 4, got {self.context_radius}; 2 is usual.")
        if self.features < 1 or not self.head or min(self.head) < 1:
            raise ValueError(
                f"features and the widths of head must be at least 1, got {self.features} and {list(self.head)}; "
                "raise them."
            )
        if not 1 <= self.kl_groups <= self.latents:
            raise ValueError(f"kl_groups must be 1 to {self.latents}, the latents, got {self.kl_groups}; change it.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}; 0 drops nothing.")


@dataclass(frozen=True)
class TrainConfig:
    """The settings of training."""

    epochs: int = 400
    """Largest number of passes over the training split."""
    batch_size: int = 64
    """Images per step."""
    learning_rate: float = 2e-3
    """Learning rate at the start, from which it decays by a cosine."""
    weight_decay: float = 0.2
    """Weight decay of AdamW, per unit of learning rate."""
    kl_warmup_epochs: int = 50
    """Number of epochs over which the weight of the KL divergence rises linearly to 1, so that latents get used."""
    average: float = 0.998
    """Decay per step of the exponential average of the weights, which becomes the model; 0 takes the last weights."""
    validate_every: int = 20
    """Number of epochs between measurements on the validation split; a checkpoint is written after each."""
    patience: int = 5
    """Number of measurements without a new best after which training stops."""
    seed: int = 0
    """Seed of the initial weights, the order of images and the noise, in [0, 2^32)."""
    precision: Precision = "float32"
    """Precision of the networks' products in training; weights, likelihood and KL divergence are always float32."""
    devices: int = 1
    """Number of devices that share every batch; a run may be resumed on another number."""
    weight_bits: int = 16
    """Bits of the integer weights of the model: 16, or 8 for half the file size. A run may resume with the other."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "validate_every", "patience", "devices"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}; raise it.")
        for name in ("weight_decay", "kl_warmup_epochs"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}; 0 switches it off.")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must be in [0, 1), got {self.average}; 0 keeps the last weights.")
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"precision must be {' or '.join(get_args(Precision))}, got {self.precision!r}; choose one."
            )
        if self.weight_bits not in (8, 16):
            raise ValueError(f"weight_bits must be 8 or 16, got {self.weight_bits}; choose one.")
        if self.batch_size % self.devices:
            raise ValueError(
                f"batch_size must be a multiple of the {self.devices} devices, got {self.batch_size}; change either."
            )
        # jax.random.key would silently drop higher bits.
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be an integer in [0, 2^32), got {self.seed}; take it modulo 2^32.")
