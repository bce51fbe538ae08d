"""Adapters to other libraries, each in a module that needs its library.

Nothing here is imported by the rest of the package.
"""
