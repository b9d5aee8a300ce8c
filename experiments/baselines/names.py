"""The two ways in which a stack of images is coded, as results name them; apart, since reports need no codec."""

PER_IMAGE = "per image"
ONE_STREAM = "one stream"
