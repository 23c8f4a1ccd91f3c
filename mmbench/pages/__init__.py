"""Page work on bit planes: what one hold of a page-table lock does to at most one PTE table.

A kernel takes planes and integers and returns integers; it knows no task, no lock and no time. Each has a
plain-Python twin in tests/reference/.
"""
