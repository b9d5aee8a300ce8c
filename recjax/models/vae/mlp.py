"""Multilayer perceptrons in floats, for training; `recjax.models.fixed_point.network` evaluates the converted ones."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class MLP(nn.Module):
    """Dense layers named layer_0, layer_1, ... with a ReLU and dropout between them, and after the last if asked."""

    widths: tuple[int, ...]
    dropout: float = 0.0
    last_relu: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "*batch inputs"], training: bool = False) -> Float[Array, "*batch outputs"]:
        for position, width in enumerate(self.widths):
            x = nn.Dense(width, name=f"layer_{position}")(x)
            if position + 1 < len(self.widths) or self.last_relu:
                x = nn.Dropout(self.dropout, deterministic=not training)(nn.relu(x))
        return x


def apply(
    network: MLP, params: Any, x: Float[Array, "*batch inputs"], dropout_key: Array | None = None
) -> Float[Array, "*batch outputs"]:
    """Outputs in float32, computed in the precision of the weights that are given; dropout acts with a key only."""
    training = dropout_key is not None
    x = x.astype(jax.tree.leaves(params)[0].dtype)
    outputs = network.apply({"params": params}, x, training, rngs={"dropout": dropout_key} if training else None)
    assert isinstance(outputs, jax.Array)
    return outputs.astype(jnp.float32)
