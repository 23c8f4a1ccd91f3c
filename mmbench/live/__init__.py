"""The running kernel: victims it tears down, timed and counted; nothing here knows what the model predicts."""
