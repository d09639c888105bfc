"""Payouts: the port that every provider speaks, and the sandbox provider that ships."""
