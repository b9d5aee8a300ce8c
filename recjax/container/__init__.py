"""The file format: a header, then chunks of coded images. FORMAT.md specifies it."""
