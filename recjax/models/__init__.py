"""Models: networks, in floats for training and in integers for codecs, and the distributions that they give."""
