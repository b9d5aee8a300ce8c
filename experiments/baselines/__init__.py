"""Other codecs on the same images: plain compressors and image formats, with the settings of their experts."""
