"""Moving documents out of and into collections: the rows of an export, its files, and reading them back."""
