"""Problems to run as they stand, and to copy; shipped as ``lamcts.problems``."""
