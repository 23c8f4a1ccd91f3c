"""Tables and files of records, for a terminal and for other programs."""
