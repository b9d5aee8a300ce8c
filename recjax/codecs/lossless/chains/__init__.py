"""Chains of images in one stream, by bits-back coding: with initial bits, or started on images sent otherwise."""
