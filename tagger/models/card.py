"""The model card: ``README.md`` of every model folder, written from the run itself.

What it says is what the manifest says, in words (Mitchell et al., 2019, "Model cards for model
reporting"), under the YAML header that Hugging Face reads. The same model has the same card:
no dates, no seconds, no paths. Names and definitions come from strangers; all is escaped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np

from tagger.domains import DomainSet
from tagger.models.manifest import Manifest
from tagger.models.markdown import code, escape, plain, table, without_empty
from tagger.models.selective import Selective

_KINDS = {
    "lexicon": "a list of words for each domain",
    "tfidf": "linear classifiers over n-grams, calibrated",
    "bert": "a fine-tuned encoder, run by torch",
    "onnx": "a fine-tuned encoder as an ONNX graph, run by onnxruntime",
}
_SIGNALS = {
    "text": "the sentence itself", "clauses": "its best run of clauses", "ngrams": "its n-grams",
    "ngram_clauses": "the n-grams of its best run of clauses", "lexicon": "the lexicon's words in it",
    "lead_in": "the lead-in of its measure", "previous": "the sentence before", "following": "the sentence after",
    "title": "the bulletin's title",
}  # fmt: skip


class _Encoder(NamedTuple):
    """What an encoder is called, and its licence; "" where nothing is known."""

    name: str
    licence: str


def write_card(
    path: Path, manifest: Manifest, domains: DomainSet, thresholds: np.ndarray, *,
    config: Mapping[str, Any], selective: Selective | None = None, n_precedents: int = 0,
) -> None:  # fmt: skip
    """Write the card of a model.

    Parameters
    ----------
    path : Path
        The file.
    manifest : Manifest
        Its files are those beside the card. Of its metrics the out-of-fold figures are shown
        (`tagger.evaluation.metrics.score`, ``interval_95``, and what `tagger.training.card_metrics`
        adds to them); what is not there is left out.
    domains : DomainSet
    thresholds : ndarray of shape (n_domains,)
    config : mapping
        The resolved training configuration.
    selective : Selective, optional
    n_precedents : int, default=0
        Labelled sentences that the folder carries.
    """
    path.write_text(
        model_card(manifest, domains, thresholds, config=config, selective=selective, n_precedents=n_precedents),
        encoding="utf-8",
    )


def model_card(
    manifest: Manifest, domains: DomainSet, thresholds: np.ndarray, *,
    config: Mapping[str, Any], selective: Selective | None = None, n_precedents: int = 0,
) -> str:  # fmt: skip
    """The card as Markdown, see `write_card`."""
    encoder = _encoder(config)
    sections = {
        "": _opening(manifest, config, encoder),
        "Labels": _labels(domains),
        "How to use it": _use(manifest, selective, n_precedents),
        "Training data": _data(manifest, config, n_precedents),
        "Figures": _figures(manifest, domains),
        "Thresholds and calibration": _thresholds(manifest, domains, thresholds),
        "Yes, no, or ask a person": _selective(selective, domains),
        "Limits": _limits(manifest, domains),
        "Cost": _cost(manifest),
        "Libraries and licences": _libraries(manifest, encoder),
    }
    body = "\n".join(f"## {title}\n\n{text}" if title else text for title, text in sections.items() if text)
    return f"{_header(manifest, encoder)}\n# {escape(manifest.name) or 'tagger'}\n\n{body}"


def _header(manifest: Manifest, encoder: _Encoder) -> str:
    """The YAML that Hugging Face reads; a hub name only where there is one."""
    import yaml

    data: dict[str, Any] = {"language": ["zh"], "library_name": "tagger", "pipeline_tag": "text-classification"}
    if encoder.licence:  # it is known, and so is its name on the hub
        data["base_model"] = encoder.name
    data["tags"] = ["multi-label", "text-classification", plain(manifest.kind)]
    results = _results(manifest)
    if results:
        data["metrics"] = ["f1"]
        data["model-index"] = [{"name": plain(manifest.name) or "tagger", "results": [results]}]
    return f"---\n{yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)}---\n"


def _results(manifest: Manifest) -> dict[str, Any]:
    metrics = [
        {"type": "f1", "name": f"{name}, sentences, out of fold", "value": round(value, 4)}
        for name in ("f1_micro", "f1_macro")
        if (value := _number(manifest.metrics, name)) is not None
    ]
    honest = _part(manifest.metrics, "thresholds_of_other_bulletins")
    of = "sentences, out of fold, thresholds of other bulletins"
    metrics += [
        {"type": "f1", "name": f"{name}, {of}", "value": round(value, 4)}
        for name in ("f1_micro", "f1_macro")
        if (value := _number(honest, name)) is not None
    ]
    dataset = {"name": "the training data, out of fold", "type": "out-of-fold"}
    return {"task": {"type": "text-classification"}, "dataset": dataset, "metrics": metrics} if metrics else {}


def _opening(manifest: Manifest, config: Mapping[str, Any], encoder: _Encoder) -> str:
    kind = _KINDS.get(manifest.kind) or escape(manifest.kind)
    made_of = f" It is {kind}" + (f", made of `{code(encoder.name)}`." if encoder.name else ".")
    read = [_SIGNALS.get(str(name), str(name)) for name in _part(config, "model").get("signals", [])]
    reads = f" A score is put together from {', '.join(map(escape, read))}." if len(read) > 1 else ""
    return (
        "Tags the sentences of Chinese texts, such as police bulletins, with the domains below: several, one or "
        f"none.{made_of}{reads}\n\nModel `{code(manifest.name)}`, version `{code(manifest.version)}`, kind "
        f"`{code(manifest.kind)}`.\n"
    )


def _labels(domains: DomainSet) -> str:
    rows = [(f"`{d.id}`", escape(d.zh), escape(d.en), escape(d.definition)) for d in domains]
    return table(("label", "Chinese", "English", "what it means"), rows) + (
        f"\n{len(domains)} labels, version {domains.version} of the set. No label is an answer too.\n"
    )


def _use(manifest: Manifest, selective: Selective | None, n_precedents: int) -> str:
    commands = [("tagger predict bulletin.txt --model FOLDER", "")]
    if selective is not None:
        commands.append(("tagger predict bulletin.txt --model FOLDER --ask", "  # yes, no, or ask a person"))
    shown = "what carried each tag, and labelled sentences like it" if n_precedents else "what carried each tag"
    commands.append(("tagger predict bulletin.txt --model FOLDER --explain", f"  # {shown}"))
    width = max(len(command) for command, _ in commands)
    lines = "\n".join(f"{command:<{width}}{why}".rstrip() for command, why in commands)
    needs = " Running it needs the extra `tagger[bert]`.\n" if manifest.kind == "bert" else "\n"
    python = (
        "from tagger.bulletins.bulletin import parse_bulletin\nfrom tagger.models.storage import load_model\n"
        "from tagger.predict.tagging import tag_bulletin\n\n"
        'tagged = tag_bulletin(parse_bulletin("民警上路查处酒驾。"), load_model("FOLDER"))\n'
        "print(tagged.bulletin_tags.domains)"
    )
    return f"FOLDER is this folder.{needs}\n```console\n{lines}\n```\n\n```python\n{python}\n```\n"


def _data(manifest: Manifest, config: Mapping[str, Any], n_precedents: int) -> str:
    data = manifest.data
    if not data:
        return "It was not trained on labelled text.\n"
    counts = [f"{data[key]:,} {what}" for key, what in _COUNTS.items() if isinstance(data.get(key), int)]
    source = f" from {escape(_last_part(data['source']))}" if isinstance(data.get("source"), str) else ""
    parts = [f"{' of '.join(counts) or 'Labelled sentences'}{source}."]
    if "hash" in data:
        parts.append(f"Hash of the data: `{code(data['hash'])}`.")
    n_fitted = data.get("n_fitted")
    if n_fitted == 0:
        parts.append("It was measured on all of them: nothing in the model was fitted on labelled text.")
    else:
        # Of the split itself where it is told: a config may name a file that splits otherwise than it says.
        parts.append(_split(_part(data, "split") or {"seed": manifest.seed, **_part(config, "split")}))
    if isinstance(n_fitted, int) and n_fitted > 0:
        parts.append(f"The model that is kept was fitted on {n_fitted:,} of the sentences.")
    if n_precedents:
        parts.append(f"The folder carries {n_precedents:,} of them as precedents: hand it on as you would them.")
    return "\n\n".join(part for part in parts if part) + "\n"


_COUNTS = {"n_texts": "sentences", "n_bulletins": "bulletins"}


def _split(settings: Mapping[str, Any]) -> str:
    known = {key: value for key, value in settings.items() if isinstance(value, (str, int, float)) and value != ""}
    if len(known) < 2:
        return ""  # a seed alone splits nothing
    listed = ", ".join(f"`{code(key)}` {escape(value)}" for key, value in sorted(known.items()))
    return (
        f"Split: {listed}. A bulletin is never on both sides of a split. Figures and thresholds come from scores by "
        "models that did not see the bulletin."
    )


def _figures(manifest: Manifest, domains: DomainSet) -> str:
    metrics = manifest.metrics
    if _number(metrics, "f1_micro") is None:
        return "None were measured.\n"
    n_texts = metrics.get("n_texts")
    intro = f"Out of fold{f', {n_texts:,} sentences' if isinstance(n_texts, int) else ''}; in brackets 95 % intervals "
    levels = {"sentence": metrics, **_part(metrics, "levels")}
    rows = [
        (escape(level), *(_figure(own, name) for name in _OVERALL))
        for level, own in levels.items() if isinstance(own, Mapping)
    ]  # fmt: skip
    overall = table(("level", "micro-F1", "macro-F1", "precision", "recall", "exact match"), rows)
    return (
        f"{intro}by bootstrap over bulletins.{_furniture(metrics)}\n\n{overall}\n{_other_bulletins(manifest)}"
        f"{_domain_figures(metrics, domains)}{_parity(metrics)}"
    )


def _furniture(metrics: Mapping[str, Any]) -> str:
    found = _part(metrics, "furniture")
    n_texts, n_labelled = _count(found.get("n_texts")), _count(found.get("n_labelled"))
    if not n_texts or not n_labelled:
        return ""
    return (
        f" {n_texts} lines of page furniture are left out: they are answered by rule, with no label, which is wrong "
        f"for {n_labelled} of them."
    )


def _other_bulletins(manifest: Manifest) -> str:
    found = _part(manifest.metrics, "thresholds_of_other_bulletins")
    if _number(found, "f1_micro") is None or manifest.kind == "lexicon":  # whose thresholds are not chosen
        return ""
    return (
        "The thresholds were chosen on the scores that these figures are of, which flatters them. With thresholds of "
        f"other bulletins, sentences have micro-F1 {_figure(found, 'f1_micro')} and macro-F1 "
        f"{_figure(found, 'f1_macro')}: the figures to state.\n\n"
    )


_OVERALL = ("f1_micro", "f1_macro", "precision_micro", "recall_micro", "exact_match")


def _domain_figures(metrics: Mapping[str, Any], domains: DomainSet) -> str:
    own, intervals = _part(metrics, "domains"), _part(_part(metrics, "interval_95"), "domains")
    scores = {name: _part(_part(metrics, name), "domains") for name in ("average_precision", "calibration_error")}
    rows = []
    for domain in domains:
        figures = _part(own, domain.id)
        rows.append((
            f"`{domain.id}`", _shown(figures.get("precision")), _shown(figures.get("recall")),
            _with_interval(figures.get("f1"), intervals.get(domain.id)),
            *(_shown(found.get(domain.id)) for found in scores.values()), _count(figures.get("support")),
        ))  # fmt: skip
    header = ("label", "precision", "recall", "F1", "average precision", "calibration error", "sentences with it")
    return table(*without_empty(header, rows)) if own else ""


def _parity(metrics: Mapping[str, Any]) -> str:
    parity = _part(metrics, "parity")
    changed, loss = _number(parity, "changed"), _number(parity, "f1_macro_loss")
    if changed is None or loss is None:
        return ""
    return (
        f"\nThe figures are those of the model before its export. The export tags {changed:.2%} of "
        f"{_count(parity.get('n_texts'))} sentences otherwise; its macro-F1 is lower by {loss:.4f}.\n"
    )


def _thresholds(manifest: Manifest, domains: DomainSet, thresholds: np.ndarray) -> str:
    rows = [(f"`{id}`", f"{t:.3f}") for id, t in zip(domains.ids, np.asarray(thresholds).tolist(), strict=True)]
    error = _number(_part(manifest.metrics, "calibration_error"), "macro")
    calibration = "" if error is None else (
        f" Their expected calibration error is {error:.3f} on average over the domains."
    )  # fmt: skip
    scores = "Scores are weights of words, not probabilities." if manifest.kind == "lexicon" else (
        f"Scores are meant as probabilities.{calibration}"
    )  # fmt: skip
    return f"A sentence is tagged where its score reaches the label's threshold. {scores}\n\n" + table(
        ("label", "threshold"), rows
    )


def _selective(selective: Selective | None, domains: DomainSet) -> str:
    if selective is None:
        return ""
    rows = [
        (f"`{id}`", f"{low:.3f}" if low else "—", "—" if math.isinf(high) else f"{high:.3f}", f"{n:,}", note)
        for id, (low, high), n, note in zip(
            domains.ids, selective.bounds.tolist(), selective.n_positives, selective.notes(), strict=True
        )
    ]
    confidence = f"{1 - selective.delta:.0%}"
    return (
        "With `--ask`, a score of at least the upper bound is yes, one below the lower bound no, and between them a "
        f"person is asked. For each label, with {confidence} confidence: at least {selective.precision:.0%} of what is "
        f"answered yes is right, and at most {1 - selective.recall:.0%} of the sentences with the label answered no. "
        f"Calibrated out of fold on {selective.n_bulletins:,} bulletins, which are the sample (Learn then Test); it "
        "holds for bulletins like these.\n\n"
        + table(*without_empty(("label", "no below", "yes from", "sentences with it", "note"), rows))
        + "".join(_load(level, own) for level, own in sorted(selective.load.items(), reverse=True))
    )


def _load(level: str, load: Mapping[str, float]) -> str:
    if not {"share_asked", "found", "asked", "lost"} <= set(load):
        return ""
    right = f"; {load['precision']:.1%} of the yes are right" if "precision" in load else ""
    return (
        f"\nExpected by {escape(level)}: {load['share_asked']:.1%} go to a person. Of the true tags "
        f"{load['found']:.1%} are answered yes, {load['asked']:.1%} shown to a person and {load['lost']:.1%} answered "
        f"no{right}.\n"
    )


def _limits(manifest: Manifest, domains: DomainSet) -> str:
    own = _part(manifest.metrics, "domains")
    f1 = {d.id: value for d in domains if (value := _number(_part(own, d.id), "f1")) is not None}
    rare = [id for id in f1 if (n := _part(own, id).get("support")) is not None and n < 50]
    points = [
        "The figures are of text like the training data. Other sources, years or genres may be told worse: measure "
        "with `tagger evaluate` on sentences of your own.",
        "Chinese text alone; tables, transcripts and text out of scans are told worse than prose.",
        "It tells what a text reports, not whether it is true. A tag is no ground for a decision about a person.",
    ]
    if len(f1) > 1:
        worst = min(f1, key=lambda id: f1[id])
        points.insert(1, f"The label told worst is `{worst}` (F1 {f1[worst]:.3f}).")
    if rare:
        named = ", ".join(f"`{id}`" for id in rare)
        points.insert(1, f"Fewer than 50 labelled sentences: {named}. Their figures may be far off.")
    return "".join(f"- {point}\n" for point in points)


def _cost(manifest: Manifest) -> str:
    size = sum(entry["bytes"] for entry in manifest.files.values() if isinstance(entry.get("bytes"), int))
    largest = max(manifest.files, key=lambda name: (manifest.files[name].get("bytes", 0), name), default="")
    detail = f", most of it `{code(largest)}`" if largest else ""
    return f"{size / 1e6:.1f} MB on disk{detail}. Speed depends on the machine: `metrics.json` of the run has it.\n"


def _libraries(manifest: Manifest, encoder: _Encoder) -> str:
    versions = ", ".join(f"{escape(name)} {escape(version)}" for name, version in sorted(manifest.libraries.items()))
    lines = [f"tagger {escape(manifest.tagger_version)}; {versions}; normaliser {manifest.normalizer_version}."]
    if encoder.name:
        licence = f"licence {escape(encoder.licence)}" if encoder.licence else "licence not known: see where it is from"
        lines.append(f"Encoder: {escape(encoder.name)}, {licence}.")
    lines.append("The licence of the model itself is for those to state who trained it.")
    return "\n\n".join(lines) + "\n"


def _encoder(config: Mapping[str, Any]) -> _Encoder:
    """The encoder of a config: what is known of it by name; of a folder, the name of the folder."""
    name = _part(_part(config, "model"), "encoder").get("name", "")
    if not name or not isinstance(name, str):
        return _Encoder("", "")
    from tagger.models.encoders import hub, packaged

    if name == "packaged":
        return _Encoder(packaged.MODEL, packaged.LICENCE)
    licences = {known.name: known.licence for known in hub.KNOWN.values()}
    return _Encoder(name, licences[name]) if name in licences else _Encoder(_last_part(name), "")


def _last_part(name: str) -> str:
    """The last part of a path, so that no card tells of somebody's folders; ``owner/name`` stays whole."""
    if re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name, re.ASCII):
        return name
    return PureWindowsPath(name).name or "a folder"


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping within a mapping; an empty one for anything else: manifests come from strangers."""
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _number(data: Mapping[str, Any], key: str) -> float | None:
    value = data.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None


def _figure(metrics: Mapping[str, Any], name: str) -> str:
    return _with_interval(metrics.get(name), _part(metrics, "interval_95").get(name))


def _with_interval(value: Any, interval: Any) -> str:
    shown = _shown(value)
    if shown and isinstance(interval, Sequence) and len(interval) == 2 and all(map(_shown, interval)):
        return f"{shown} [{_shown(interval[0])}, {_shown(interval[1])}]"
    return shown


def _shown(value: Any) -> str:
    found = _number({"value": value}, "value")
    return "" if found is None else f"{found:.3f}"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""
