"""What exists: page tables as bit planes, VMAs, locks, flags and task registers in one arena."""
