"""Many parts that finish one whole."""
