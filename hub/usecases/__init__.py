"""Deeds of the hub, one file each."""
