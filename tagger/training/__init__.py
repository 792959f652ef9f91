"""Config -> a trained, measured and saved model; the only room that imports Hydra.

Imports corpus, models, evaluation and core; never predict, the CLI or the service. Hydra itself is
only imported where a configuration is composed.
"""
