"""What could not be run: the letter, where it is kept, and how it comes back to life."""
