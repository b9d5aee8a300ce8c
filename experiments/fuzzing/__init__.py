"""Hostile files: mutations of good ones, and what decoders do with them."""
