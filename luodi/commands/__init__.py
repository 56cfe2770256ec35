"""The commands, each in a module of its name, with what they show in a terminal."""
