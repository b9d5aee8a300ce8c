"""Benchmarks of entropy coding and of training, beside other packages."""
