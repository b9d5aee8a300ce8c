"""Lossless files: bits-back and relative entropy coding of images with a VAE."""
