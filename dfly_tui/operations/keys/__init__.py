"""Changes of keys: edits, bulk changes, what undoes them."""
