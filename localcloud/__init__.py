"""A rehearsal Tencent Cloud on this machine: its API, its DNS, its machines, and a local CA."""
