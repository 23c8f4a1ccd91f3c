"""What the model is measured against: the same work in C, in SimPy and as a plain copy."""
