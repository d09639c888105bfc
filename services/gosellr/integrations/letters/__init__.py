"""Letters in words: one template for each kind and language, read twice, as text and as HTML."""
