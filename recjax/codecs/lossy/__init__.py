"""Lossy files: implicit neural representations whose weights are sent by relative entropy coding."""
