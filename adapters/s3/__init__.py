"""An S3-compatible store as the archive of files."""
