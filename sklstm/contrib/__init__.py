"""Adapters to other libraries. Each module needs the library that it is named after.

The rest of the package does not import them.
"""
