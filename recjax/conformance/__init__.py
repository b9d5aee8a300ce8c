"""Reference files that every version must decode to the same pixels, and the check that does so."""
