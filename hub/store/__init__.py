"""Rows: everything that is said to the database."""
