"""Names the two ways to code a stack of images; a module of its own, so that reports import no codec."""

PER_IMAGE = "per image"
ONE_STREAM = "one stream"
