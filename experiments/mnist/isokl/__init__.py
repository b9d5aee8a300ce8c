"""The IsoKL VAE with scalar coders (Flamich, Markou, Hernandez-Lobato 2022, arXiv 2201.12857)."""
