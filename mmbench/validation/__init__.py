"""Where predictions meet measurements, as records: nothing here measures, and what measures knows nothing of this."""
