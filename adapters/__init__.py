"""Other systems, one folder each: the real client and, beside it, the shipped fake."""
