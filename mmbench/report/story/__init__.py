"""What happened in one run, told from its event log: visits to steps, spans, a Chrome trace."""
