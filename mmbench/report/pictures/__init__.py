"""Pictures of records: the same bytes for the same data."""
