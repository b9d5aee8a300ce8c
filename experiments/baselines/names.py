"""Names that reports look for in results; a module of its own, so that reports import no codec."""

PER_IMAGE = "per image"
ONE_STREAM = "one stream"
"""The two ways to code a stack of images."""

JPEG_XL_7 = "JPEG XL, effort 7"
JPEG_XL_9 = "JPEG XL, effort 9"
WEBP = "WebP"
PNG = "PNG"
"""The codecs of single pictures."""
