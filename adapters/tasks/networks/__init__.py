"""The networks of the ready-made tasks, to use and to copy. Importing them loads PyTorch."""
