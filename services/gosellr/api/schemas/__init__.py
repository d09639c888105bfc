"""Request and response shapes, a file per noun."""
