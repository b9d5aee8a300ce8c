"""Benchmark of how time grows with the divergence, the number of blocks and the number of images."""
