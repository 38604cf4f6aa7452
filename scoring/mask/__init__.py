"""What may be shown of a release: rules, one pattern for all tables, and what a reader could still work out."""
