"""Blocks of large divergence."""
