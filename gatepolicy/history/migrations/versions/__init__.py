"""One module for each migration, named by its revision."""
