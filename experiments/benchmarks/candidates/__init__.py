"""Benchmark of drawing and scoring candidates, beside PyTorch, NumPy and jax.random."""
