"""Who computes the chunks of a study: threads, processes or a cluster, with a ledger to resume from."""
