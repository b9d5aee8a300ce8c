"""Measures context models for pixels, with and without latents."""
