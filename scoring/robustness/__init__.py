"""How an index would change: other choices, other samples; of published figures alone."""
