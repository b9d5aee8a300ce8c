"""Speeds on an accelerator beside one core of its machine."""
