"""Lossless files: bits-back coding and relative entropy coding of images with a variational autoencoder."""
