"""Bulletin -> tagged bulletin, and its writers: the one path that every surface calls.

Imports models and core; never training, labelling, the CLI or the service.
"""
