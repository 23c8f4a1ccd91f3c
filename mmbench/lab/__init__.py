"""Other kernels, booted in QEMU: fetched, run and recorded; nothing here knows what the model predicts."""
