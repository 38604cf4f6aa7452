"""Changes of the schema, one file each, run by `open_store`."""
