"""The doors of the seller's pages: what a shop has, is paid, is sent and is asked."""
