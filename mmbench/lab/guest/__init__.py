"""What runs inside the guest, as its first process; it may import the live probe and the standard library only."""
