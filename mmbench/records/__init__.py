"""Results on disk: what a record must contain, how files are written whole or not at all, where a number came from."""
