"""Training of implicit neural representations for lossy files."""
