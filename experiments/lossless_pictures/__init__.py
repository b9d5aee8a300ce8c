"""Experiment on lossless files of photographs by a pixel network, beside JPEG XL, WebP and PNG."""
