"""Hottest books: views counted exactly, and the ranking of the most viewed."""
