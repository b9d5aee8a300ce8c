"""How fast candidates are drawn and scored, beside PyTorch, NumPy and jax.random."""
