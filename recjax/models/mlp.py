"""Multilayer perceptrons in floats, for training; `recjax.models.exact` evaluates the converted ones."""

import flax.linen as nn
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
