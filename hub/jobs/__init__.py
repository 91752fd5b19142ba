"""The clock: what runs by itself, and what wakes it."""
