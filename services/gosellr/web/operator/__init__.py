"""The doors of those who run the market: what waits for a word, and what the books say."""
