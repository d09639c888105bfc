"""The doors of the storefront: each translates a browser's request for one service or flow."""
