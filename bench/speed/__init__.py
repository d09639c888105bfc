"""How fast the market is, beside the floor that PostgreSQL itself sets on the same machine."""
