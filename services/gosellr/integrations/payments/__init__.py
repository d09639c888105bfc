"""Payments: the port that every gateway speaks, and the sandbox gateway that ships."""
