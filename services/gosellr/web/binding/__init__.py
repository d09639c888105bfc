"""From what the services give to what the templates are told: plain values, finished addresses."""
