"""A file for each kind of work: `TITLE`, `NOTE`, and `measure(extent)`, which yields its tables."""
