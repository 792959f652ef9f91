"""What each kind of model is made of, as typed dataclasses: ``conf/model/*.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LexiconConfig:
    """The lexicon model; None for ``labels/lexicon.yaml``."""

    kind: str = "lexicon"
    lexicon: str | None = None


@dataclass(frozen=True)
class FeaturesConfig:
    """The arguments of `tagger.models.features.TextFeatures`."""

    char_ngrams: list[int] | None = field(default_factory=lambda: [1, 3])
    word_ngrams: list[int] | None = None
    binary: bool = True
    min_df: int = 2


@dataclass(frozen=True)
class HeadConfig:
    """The arguments of `tagger.models.linear_head.LinearHead`."""

    C: float = 1.0
    loss: str = "squared_hinge"
    positive_weight: float = 1.0


@dataclass(frozen=True)
class TfidfConfig:
    """The TF-IDF baseline: what `tagger.models.tfidf.TfidfClassifier` is made of."""

    kind: str = "tfidf"
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    signals: list[str] = field(default_factory=lambda: ["text"])
    lexicon: str | None = None
    shrinkage: float = 50.0


@dataclass(frozen=True)
class NgramsConfig:
    """The linear classifier behind a BERT's signals ``ngrams`` and ``ngram_clauses``.

    Attributes
    ----------
    lengths : list of int
        Characters of the shortest and the longest n-grams, each at least 1.
    min_df : int
        Fewest sentences an n-gram must occur in.
    C, loss, positive_weight
        See `tagger.models.linear_head.LinearHead`.
    """

    lengths: list[int] = field(default_factory=lambda: [1, 3])
    min_df: int = 2
    C: float = 1.0
    loss: str = "squared_hinge"
    positive_weight: float = 1.0


@dataclass(frozen=True)
class EncoderConfig:
    """The pretrained encoder: ``packaged``, a local folder, or the name of one on the hub."""

    name: str = "packaged"


@dataclass(frozen=True)
class FineTuningConfig:
    """How a network is fine-tuned; the defaults are those of the model that ships.

    They come from a few trials on one fold, not from a search.

    Ranges are checked before anything is trained, see `tagger.training.bert_checks`.

    Attributes
    ----------
    epochs : int
        At least 1.
    learning_rate : float
        Above 0; of the highest layer. After a linear warm-up over the share `warmup` of the steps it
        falls linearly to 0.
    layer_decay : float
        In [0, 1]: each layer's rate is that of the one above times this.
    head_rate : float
        The head's rate is `learning_rate` times this.
    head_start : int
        Sentences on which the head is fitted, by logistic regression on the untouched
        encoder, before anything else is trained (Kumar et al., 2022); 0 for a random head.
    weight_decay : float
    warmup : float
        In [0, 1].
    batch_pieces : int
        Pieces in a batch, filling included.
    accumulate : int
        Batches in a step.
    loss : str
        ``bce``, ``focal`` or ``asymmetric``, with `gamma` and `positive_weight`.
    r_drop : float
        Weight of the agreement between two passes; 0 for one pass.
    dropout : float
        Before the head, in [0, 1).
    freeze_embeddings : bool
    temperature, teacher_weight : float
        Of the distillation of scores, when there is a teacher; above 0, and in [0, 1].
    hidden_weight : float
        Of the distance from the teacher's last hidden states; 0 leaves them alone.
    validation : float
        Share of the bulletins, in [0, 0.5], that choose the best epoch; 0 for the last one.
    patience : int
        Epochs without a better one after which training stops.
    precision : str
        ``auto``, ``bf16`` or ``fp32``.
    """

    epochs: int = 3
    learning_rate: float = 2e-4
    layer_decay: float = 0.9
    head_rate: float = 2.0
    head_start: int = 2500
    weight_decay: float = 0.01
    warmup: float = 0.1
    batch_pieces: int = 1200
    accumulate: int = 1
    loss: str = "bce"
    gamma: float = 2.0
    positive_weight: float = 1.0
    r_drop: float = 0.0
    dropout: float = 0.1
    freeze_embeddings: bool = True
    temperature: float = 1.0
    teacher_weight: float = 0.8
    hidden_weight: float = 0.2
    validation: float = 0.0
    patience: int = 2
    precision: str = "auto"


@dataclass(frozen=True)
class BertConfig:
    """A fine-tuned BERT.

    Attributes
    ----------
    encoder : EncoderConfig
    layers : list of int or None
        Numbers of the encoder's layers that are kept, each once; None for all.
    teacher_epochs : int
        Epochs of the teacher, the encoder with all its layers, which is trained first and
        hands its layers and its scores on; 0 for no teacher.
    max_length : int
        Most pieces of an input; longer sentences are read in windows.
    signals : list of str
        What a probability is put together from, see `tagger.models.encoder_classifier.EncoderClassifier`.
    ngrams : NgramsConfig
        What is behind the signals of n-grams, if there are any.
    lexicon : str or None
        The lexicon behind the signal of that name; None for ``labels/lexicon.yaml``.
    fine_tuning : FineTuningConfig
    refit_epochs : int or None
        Epochs on all bulletins after which the network of the first fold is the final one, 0 to
        leave it as it is (for experiments); None for one that is trained from the encoder on,
        like those of the folds.
    scored_folds : int or None
        On how many of the folds, 1 or more, the thresholds are chosen and the figures measured; None for all.
    precedents : bool
        Whether the model folder carries the sentences that it was trained on, for ``--explain``.
    shrinkage : float
        See `tagger.models.thresholds.choose_thresholds`.
    """

    kind: str = "bert"
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    layers: list[int] | None = None
    teacher_epochs: int = 0
    max_length: int = 256
    signals: list[str] = field(default_factory=lambda: ["text"])
    ngrams: NgramsConfig = field(default_factory=NgramsConfig)
    lexicon: str | None = None
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)
    refit_epochs: int | None = None
    scored_folds: int | None = None
    precedents: bool = True
    shrinkage: float = 1000.0


#: kind -> the dataclass of ``conf/model/<kind>.yaml``.
MODELS = {"lexicon": LexiconConfig, "tfidf": TfidfConfig, "bert": BertConfig}
