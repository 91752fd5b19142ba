"""The archive of files in a folder of the machine."""
