"""Plumbing without business: reusable in another product tomorrow."""
