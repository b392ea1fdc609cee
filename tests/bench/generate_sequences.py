#!/usr/bin/env python3
"""Writes a generated dataset (user_sequence.txt) with the shape of a public one.

generate_sequences.py --out DIR [--users N --items N --interactions N --topics N --noise F --seed N]

Item popularity and history lengths follow power laws; every user has a topic of whose items all but a share
`noise` of his history is drawn, without repeats. The defaults have Yelp's size. Python's standard library only.
"""
import argparse
import itertools
import random
from pathlib import Path


def history_lengths(rng, users, interactions):
    """Lengths of at least 5, Pareto distributed, that sum to about `interactions`."""
    raw = [min(rng.paretovariate(1.3) - 1, 400) for _ in range(users)]
    scale = (interactions - 5 * users) / sum(raw)
    return [5 + int(scale * x) for x in raw]


class Catalogue:
    """Items by topic, each topic's and the whole's drawn by popularity."""

    def __init__(self, rng, items, topics):
        weight = [1 / (rank + 10) ** 0.8 for rank in range(items)]
        order = list(range(items))
        rng.shuffle(order)
        topic_of = [rng.randrange(topics) for _ in range(items)]
        by_topic = [[] for _ in range(topics)]
        for rank in range(items):
            by_topic[topic_of[rank]].append(rank)
        self.everything = (order, list(itertools.accumulate(weight)))
        self.topics = [([order[r] for r in ranks], list(itertools.accumulate(weight[r] for r in ranks)))
                       for ranks in by_topic if ranks]


def draw_history(rng, catalogue, topic, length, noise):
    history = {}
    for _ in range(4):
        missing = length - len(history)
        for source, share in ((topic, 1 - noise), (catalogue.everything, noise)):
            count = round(missing * share)
            if count:
                history.update(dict.fromkeys(rng.choices(source[0], cum_weights=source[1], k=count)))
        if len(history) >= length:
            break
    history = list(history)
    rng.shuffle(history)
    return history[:length]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=Path)
    for name, default in (("users", 277_631), ("items", 112_394), ("interactions", 4_250_000), ("topics", 600),
                          ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--noise", type=float, default=0.2)
    a = parser.parse_args()
    rng = random.Random(a.seed)
    catalogue = Catalogue(rng, a.items, a.topics)
    a.out.mkdir(parents=True, exist_ok=True)
    total = 0
    with open(a.out / "user_sequence.txt", "w", encoding="ascii") as out:
        for user, length in enumerate(history_lengths(rng, a.users, a.interactions), 1):
            history = draw_history(rng, catalogue, rng.choice(catalogue.topics), length, a.noise)
            total += len(history)
            out.write(f"u{user} " + " ".join(f"i{item}" for item in history) + "\n")
    print(f"{a.users} users, {a.items} items, {total} interactions")


if __name__ == "__main__":
    main()
