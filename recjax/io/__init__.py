"""Bytes on disk: outputs that appear whole or not at all, inputs that are regular files, and tensors."""
