"""Bits over the divergence, sampler by sampler."""
