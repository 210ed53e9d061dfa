"""The benchmark: Fairlead beside nginx on the same work (see bench/README.md). Never imported by the program."""
