"""Experiment on the bits above the KL divergence that every coder takes on Gaussian channels."""
