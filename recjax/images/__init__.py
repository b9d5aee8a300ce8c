"""Pictures on disk: PNG and .npy files, read strictly and written whole."""
