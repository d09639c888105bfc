"""HTML over HTTP: the storefront and, later, the seller portal and the operator console."""
