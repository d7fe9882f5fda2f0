"""The command `taskqueue`: a module or folder for each group of commands."""
