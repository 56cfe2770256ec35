"""The start of a project: from a few answers to the files that `pulumi up` needs. Pure."""
