"""Other codecs on the same images: plain compressors and image formats, with strong settings."""
