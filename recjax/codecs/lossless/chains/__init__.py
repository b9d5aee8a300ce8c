"""Chains of images in one stream: bits-back, and its start without initial bits."""
