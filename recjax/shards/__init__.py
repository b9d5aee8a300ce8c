"""Many images as a folder of files (shards) with a manifest."""
