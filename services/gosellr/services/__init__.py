"""The business: commands and questions that take a connection and values."""
