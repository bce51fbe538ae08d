"""Compiled modules for other machines: no warning, and vectors in the products, see __main__.py."""
