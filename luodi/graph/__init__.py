"""A declared stack as a picture."""
