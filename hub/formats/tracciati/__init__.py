"""Tracciati: files of rows, each version its declared columns. The same columns read and write."""
