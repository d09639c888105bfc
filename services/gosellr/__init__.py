"""GoSellr: a marketplace platform. Many sellers, one storefront, one payment, exact books."""

__version__ = "0.1.0"
