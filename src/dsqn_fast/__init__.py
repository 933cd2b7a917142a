"""Trained Q networks and policies as spiking networks: convert, simulate, verify."""
