"""Training of pixel networks, with which pictures are compressed losslessly."""
