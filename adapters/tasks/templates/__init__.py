"""Files that ``lamcts init --template NAME`` copies: each runs as it stands."""
