"""Where all stacks of a project stand, at a glance."""
