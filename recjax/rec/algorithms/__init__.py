"""The algorithms of relative entropy coding, one file each."""
