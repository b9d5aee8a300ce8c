"""Experiment on the steps and bits of partitioned and plain samplers as the divergence grows."""
