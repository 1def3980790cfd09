"""Adapters: one folder a domain of neural architectures, each with its space, cost and network."""
