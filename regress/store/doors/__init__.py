"""The methods of the store, a family a file; each opens its transaction and leaves the rest to its room."""
