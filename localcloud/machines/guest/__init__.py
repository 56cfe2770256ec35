"""What runs inside a machine. Every file here stands alone: a machine sees nothing else of ours."""
