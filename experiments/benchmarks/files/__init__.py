"""Benchmark of whole files: images per second from arrays to files and back."""
