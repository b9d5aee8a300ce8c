"""The rate as the number of images in a file grows."""
