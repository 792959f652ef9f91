"""Agreement, merging, disagreements and drift on opinions that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tagger.domains import DomainSet
from tagger.errors import InputError
from tagger.labelling.agreement import count_confusion, measure_agreement, measure_alpha, measure_f1, measure_pairs
from tagger.labelling.disagreements import find_disagreements, review_queue, table_rows
from tagger.labelling.drift import measure_drift
from tagger.labelling.merging import merge_by_adjudicator, merge_by_dawid_skene, merge_by_vote
from tagger.labelling.opinions import MISSING, Opinions, Unit

Make = Callable[..., Opinions]


@pytest.fixture
def make(domains: DomainSet) -> Make:
    """Opinions from words: one string a person, a label set a unit, . for none given, - for no domain."""
    columns = {"t": 0, "p": 1, "g": 2}

    def make(*rows: str, per_bulletin: int = 1, times: Sequence[float] | None = None) -> Opinions:
        sets = [row.split() for row in rows]
        labels = np.zeros((len(sets), len(sets[0]), 3), dtype=np.int8)
        for a, row in enumerate(sets):
            for u, word in enumerate(row):
                labels[a, u] = MISSING if word == "." else 0
                for letter in word.strip(".-"):
                    labels[a, u, columns[letter]] = 1
        shape = labels.shape[:2]
        units = [Unit(f"{u // per_bulletin}:{u}", str(u // per_bulletin), u, None, f"段{u}") for u in range(shape[1])]
        moments = np.full(shape, np.nan) if times is None else np.tile(np.asarray(times, dtype=float), (shape[0], 1))
        names = tuple("li wang zhao qian".split()[: shape[0]])
        return Opinions(domains, units, names, labels, np.zeros(shape, dtype=bool), moments,
                        np.full(shape, np.nan), np.full(shape, ""))  # fmt: skip

    return make


def test_equal_opinions_agree_fully(make: Make) -> None:
    alpha = measure_alpha(make("t p g - tp", "t p g - tp"), n_resamples=100)
    assert alpha["sets"]["alpha"] == 1
    assert [d["alpha"] for d in alpha["domains"].values()] == [1, 1, 1]


def test_chance_is_no_agreement(make: Make) -> None:
    rng = np.random.default_rng(0)
    rows = [" ".join(rng.choice(["t", "p", "g", "-"], 2000)) for _ in range(2)]
    alpha = measure_alpha(make(*rows), n_resamples=200)
    assert abs(alpha["sets"]["alpha"]) < 0.05
    low, high = alpha["sets"]["interval_95"]
    assert low < alpha["sets"]["alpha"] < high
    assert high - low < 0.15


def test_intervals_are_wider_over_bulletins_than_over_paragraphs(make: Make) -> None:
    """Paragraphs of one bulletin err together; to draw them apart would promise too much."""
    rng = np.random.default_rng(1)
    first = rng.choice(["t", "-"], 200)
    wrong = np.repeat(rng.random(20) < 0.3, 10)
    second = np.where(wrong, np.where(first == "t", "-", "t"), first)
    widths = []
    for size in (1, 10):
        row = measure_alpha(make(" ".join(first), " ".join(second), per_bulletin=size))["sets"]
        widths.append(np.ptp(row["interval_95"]))
    assert widths[1] > 1.5 * widths[0]


def test_pairs_count_what_each_gave_alone(make: Make) -> None:
    (pair,) = measure_pairs(make("t t - tp .", "t - t p t"), n_resamples=100)
    assert pair["annotators"] == ["li", "wang"]
    assert pair["n_units"] == 4
    traffic = pair["domains"]["traffic"]
    assert (traffic["both"], traffic["first_alone"], traffic["second_alone"]) == (1, 2, 1)
    assert pair["exact_match"] == 0.25
    assert np.isnan(pair["domains"]["propaganda"]["kappa"])


def test_people_who_share_nothing_make_no_pair(make: Make) -> None:
    assert measure_pairs(make("t .", ". t"), n_resamples=100) == []


def test_confusion_says_what_stands_in_the_place(make: Make) -> None:
    table = count_confusion(make("t tp t", "p - tg"))
    assert table["columns"] == ["traffic", "patrol", "propaganda", "none"]
    #  t~p; tp~nothing; t~tg: in its rows only propaganda was given by one alone, for nothing.
    assert table["counts"].tolist() == [[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 0, 1]]


def test_a_row_of_the_confusion_sums_to_its_disagreements(make: Make) -> None:
    table = count_confusion(make("t tg", "pg p"))
    assert table["counts"].sum(axis=1).tolist() == [2, 2, 2]


def test_a_model_is_held_against_people_and_changes_nothing_between_them(make: Make) -> None:
    people = make("t p g - t", "t p g t t", "t p - - t")
    judged = people.with_model("bert", people.labels[2])
    figures = measure_agreement(judged, n_resamples=100)
    assert figures["alpha"] == measure_agreement(people, n_resamples=100)["alpha"]
    assert figures["f1"]["bert"]["model"]
    assert not figures["f1"]["li"]["model"]
    assert [p["annotators"] for p in figures["pairs"] if "bert" in p["annotators"]] == [
        ["li", "bert"], ["wang", "bert"], ["zhao", "bert"]
    ]  # fmt: skip


def test_a_person_is_not_held_against_their_own_vote(make: Make) -> None:
    f1 = measure_f1(make("t t", "p p", "p p"))
    assert f1["li"]["f1_micro"] == 0
    assert f1["wang"]["n_units"] == 0, "the two others tie everywhere"
    assert f1["wang"]["pairs"] == 0.5


def test_the_vote_leaves_ties_open(make: Make) -> None:
    merged = merge_by_vote(make("t t tp .", "t - tp .", "p . - ."))
    assert merged.labels.tolist() == [[1, 0, 0], [-1, -1, -1], [1, 1, 0], [-1, -1, -1]]
    assert merged.is_open.tolist() == [False, True, False, True]
    assert merged.confidence[0].tolist() == pytest.approx([2 / 3, 2 / 3, 1])
    lines = list(merged.lines())
    assert [line["domains"] for line in lines] == [["traffic"], ["traffic", "patrol"]]
    assert lines[0]["annotators"] == ["li", "wang", "zhao"]
    assert lines[0]["confidence"] == 0.6667


def test_the_adjudicator_wins_and_the_others_vote(make: Make) -> None:
    merged = merge_by_adjudicator(make("t t t", "t p t", ". g -"), "zhao")
    assert merged.labels.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert merged.method.tolist() == ["vote", "adjudicator", "adjudicator"]
    with pytest.raises(InputError, match="no annotator 'sun'"):
        merge_by_adjudicator(make("t"), "sun")


def test_dawid_and_skene_learn_whom_to_trust(make: Make) -> None:
    """Two careless people outvote a careful one; error rates learned over all units do not let them."""
    pytest.importorskip("crowdkit", reason="crowd-kit comes with the extra label")
    rng = np.random.default_rng(3)
    truth = rng.random(400) < 0.4
    rates = (0.02, 0.03, 0.38, 0.42)
    rows = [" ".join(np.where(truth ^ (rng.random(400) < rate), "t", "-")) for rate in rates]
    merged = merge_by_dawid_skene(make(*rows))
    voted = merge_by_vote(make(*rows)).labels[:, 0]
    wrong_by_vote = (voted != truth).mean()
    assert (merged.labels[:, 0] != truth).mean() < 0.04 < wrong_by_vote
    assert (merged.labels[:, 1:] == 0).all(), "nobody gave the other domains"


def test_disagreements_come_farthest_first_with_all_opinions(make: Make) -> None:
    people = make("t t tp", "t p t", ". . tp")
    found = find_disagreements(people)
    assert [d.unit.uid for d in found] == ["1:1", "2:2"]
    assert found[0].disputed == ("traffic", "patrol")
    assert found[0].distance == 1
    assert found[1].opinions == (("li", ("traffic", "patrol")), ("wang", ("traffic",)), ("zhao", ("traffic", "patrol")))
    header, first, _ = table_rows(found, people.annotators)
    assert header[-3:] == ["li", "wang", "zhao"]
    assert first[-3:] == ["traffic", "patrol", ""]


def test_the_review_queue_shows_every_opinion(make: Make) -> None:
    people = make("t tp", "t -")
    queue = review_queue(find_disagreements(people), people.domains)
    (task,) = queue.tasks
    assert queue.uids == ["1:1"]
    assert task.note == "有分歧：交通管理、巡逻防控。li：交通管理、巡逻防控；wang：以上都不属于"
    names = [p["model_version"] for p in task.predictions()]
    assert names == ["opinion of li", "opinion of wang"]
    assert [p["result"][0]["value"]["choices"] for p in task.predictions()] == [["traffic", "patrol"], ["none"]]
    assert queue.tab()["filters"]["items"][0]["value"] == "^(1:1)$"


def test_drift_is_seen_where_agreement_breaks_down(make: Make) -> None:
    rng = np.random.default_rng(5)
    first = rng.choice(["t", "p"], 200)
    turned = np.where(first == "t", "p", "t")
    second = np.where((np.arange(200) >= 100) & (rng.random(200) < 0.5), turned, first)
    drift = measure_drift(make(" ".join(first), " ".join(second), times=1.7e9 + 3600 * np.arange(200)))
    assert [w["n_units"] for w in drift["windows"]] == [50, 50, 50, 50]
    assert [w["from"][:13] for w in drift["windows"][:2]] == ["2023-11-14T22", "2023-11-17T00"]
    assert drift["windows"][0]["alpha"] == 1 > drift["windows"][3]["alpha"]
    assert drift["change"]["drifts"]
    assert drift["change"]["difference"] < -0.3
    assert not any(habit["drifts"] for habit in drift["annotators"]["li"].values())


def test_a_changed_habit_is_seen(make: Make) -> None:
    early, late = ["t", "-"] * 50, ["t", "t", "t", "-"] * 25
    drift = measure_drift(make(" ".join(early + late), " ".join(early + late), times=1.7e9 + 60 * np.arange(200)))
    habit = drift["annotators"]["li"]["traffic"]
    assert (habit["early"], habit["late"], habit["drifts"]) == (0.5, 0.75, True)
    assert not drift["change"]["drifts"]


def test_without_times_there_is_no_drift_to_tell(make: Make) -> None:
    assert measure_drift(make("t p", "t p")) == {"windows": [], "change": None, "annotators": {}}
