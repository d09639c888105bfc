"""Shipping: the port that every carrier speaks, and the sandbox carrier that ships."""
