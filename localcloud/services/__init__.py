"""The products of the cloud, one module each."""
