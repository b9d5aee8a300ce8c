"""What a training run is told: the shape of the network and how to train it, checked when they are stated."""

from dataclasses import dataclass
from typing import Literal, get_args

Posterior = Literal["normal", "isokl"]
LikelihoodName = Literal["auto", "bernoulli", "beta_binomial", "categorical", "discretised_logistic"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Network:
    """Shape of the VAE."""

    latents: int = 20
    """Latent coordinates."""
    hidden: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers of the inference network; the generative network mirrors them."""
    dropout: float = 0.1
    """Probability of dropping a hidden unit in training."""
    posterior: Posterior = "normal"
    """Normal: a mean and a scale for each latent. Isokl: one KL divergence for all images and all latents of a group,
    so that codes of fixed length suit (arXiv:2201.12857); bits-back cannot code it."""
    likelihood: LikelihoodName = "auto"
    """Of a pixel: bernoulli for 2 levels, any other for more; auto is bernoulli or beta_binomial."""
    context_radius: int = 0
    """How far a pixel sees the decoded pixels around it, 1 to 4; 0 for not at all. For grey images take categorical."""
    features: int = 4
    """With a context: numbers that the generative network gives each pixel."""
    head: tuple[int, ...] = (64, 64)
    """With a context: widths of the hidden layers between a pixel's features and context and its law."""
    kl_groups: int = 1
    """For isokl: how many runs of latents have a learned KL divergence each; 1 is one for all."""

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
    """How to train."""

    epochs: int = 400
    """Passes over the training split, at most."""
    batch_size: int = 64
    """Images per step."""
    learning_rate: float = 2e-3
    """At the start of the cosine decay."""
    weight_decay: float = 0.2
    """Of AdamW, per unit of learning rate."""
    kl_warmup_epochs: int = 50
    """The KL's weight rises linearly to 1 over so many epochs."""
    average: float = 0.998
    """The weights that are kept are an exponential average with this decay per step; 0 keeps the last ones."""
    validate_every: int = 20
    """Epochs between measurements on the validation split, which are also the checkpoints' times."""
    patience: int = 5
    """Stop after so many measurements without a new best."""
    seed: int = 0
    """Of initial weights, order and noise; in [0, 2^32)."""
    precision: Precision = "float32"
    """Of the networks' products in training; weights, likelihood and KL divergence are float32 always."""
    devices: int = 1
    """Devices that share every batch, each with all the weights; a run may be resumed on another number of them."""
    weight_bits: int = 16
    """Bits of the released integer weights: 16, or 8 for half the file; a run may be resumed with the other."""

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
        # jax.random.key would drop higher bits without a word.
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be an integer in [0, 2^32), got {self.seed}; take it modulo 2^32.")
