"""Lossy files: implicit neural representations of pictures, whose latents are sent by relative entropy coding."""
