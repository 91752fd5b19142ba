"""SFTP servers of the entes."""
