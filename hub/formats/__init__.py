"""Bytes to words and back: XML documents, identifiers, amounts."""
