"""The `fairlead` command: each sub-command parses its options, calls one function and prints what it returns."""
