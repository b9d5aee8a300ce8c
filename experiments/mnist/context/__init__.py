"""Context models for pixels, with and without latents."""
