"""Slow twins: obviously right, page by page, with sets and lists; the compiled kernels are held against them."""
