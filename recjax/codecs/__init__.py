"""Codecs that turn arrays of images into the bytes of a file and back, lossless and lossy."""
