"""Faults on purpose: what a service loses, and how soon it is back, when its parts die."""
