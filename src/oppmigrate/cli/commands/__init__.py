"""One module a command; found by listing this folder."""
