"""Multilayer perceptrons in floats, for training; `recjax.models.fixed_point.network` evaluates the converted ones."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class MLP(nn.Module):
    """Dense layers named layer_0, layer_1, ... with a ReLU and dropout between them.

    Attributes:
        widths: Outputs of each layer.
        dropout: Probability of dropping a hidden unit in training.
        last_relu: Whether a ReLU and dropout follow the last layer too.
    """

    widths: tuple[int, ...]
    dropout: float = 0.0
    last_relu: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "*batch inputs"], training: bool = False) -> Float[Array, "*batch outputs"]:
        """Evaluates the layers.

        Args:
            x: Inputs.
            training: Whether dropout acts.

        Returns:
            Outputs of the last layer.
        """
        for position, width in enumerate(self.widths):
            x = nn.Dense(width, name=f"layer_{position}")(x)
            if position + 1 < len(self.widths) or self.last_relu:
                x = nn.Dropout(self.dropout, deterministic=not training)(nn.relu(x))
        return x


def apply(
    network: MLP, params: Any, x: Float[Array, "*batch inputs"], dropout_key: Array | None = None
) -> Float[Array, "*batch outputs"]:
    """Evaluates a network in the precision of its weights.

    Args:
        network: The network.
        params: Weights by layer.
        x: Inputs, converted to the dtype of the weights.
        dropout_key: Key of `jax.random` for dropout; None for no dropout.

    Returns:
        Outputs in float32.
    """
    training = dropout_key is not None
    x = x.astype(jax.tree.leaves(params)[0].dtype)
    outputs = network.apply({"params": params}, x, training, rngs={"dropout": dropout_key} if training else None)
    assert isinstance(outputs, jax.Array)
    return outputs.astype(jnp.float32)
