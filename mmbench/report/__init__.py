"""Tables and figures of run records. Reads plain records only and never fails over a missing piece: it shows "-"."""
