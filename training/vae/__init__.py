"""Training of variational autoencoders for lossless files."""
