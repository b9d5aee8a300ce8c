"""Implicit neural representations: a hierarchy of small networks whose weights are latent variables."""
