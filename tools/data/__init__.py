"""Loaders: friends, catalogue, views."""
