"""The data that a config names, as examples."""

from __future__ import annotations

from tagger.corpus.authored import load_corpus
from tagger.corpus.damage import damaged_copies
from tagger.corpus.examples import Examples, examples_from_corpus
from tagger.domains import DomainSet, load_domains
from tagger.project import project_path
from tagger.training.config import TrainConfig


def load_examples(config: TrainConfig) -> tuple[DomainSet, Examples, Examples]:
    """The domain set, the examples that a config names, and their damaged copies (often none)."""
    domains = load_domains(config.data.domains or project_path("labels/domains.yaml"))
    corpus = load_corpus(config.data.corpus or project_path("labels/corpus"), domains)
    copies = damaged_copies(corpus, config.augmentation, seed=config.seed)
    return domains, examples_from_corpus(corpus, domains), examples_from_corpus(copies, domains)
