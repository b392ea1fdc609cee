#!/usr/bin/env python3
"""Writes a generated raw file of a given size, piece by piece.

generate_raw.py reviews|csv --out FILE [--rows N] [--users N] [--items N] [--seed N]

reviews: JSON lines as Amazon's review files have them, about 870 bytes each (1,689,188 of them are the size of
Electronics' 5-core). csv: user_id,item_id,timestamp. Python's standard library only.
"""
import argparse
import random


def reviews(rng, rows, users, items):
    words = ["good", "product", "works", "battery", "cable", "screen", "\\\"great\\\"", "it\\u2019s", "price\\n"]
    texts = [" ".join(rng.choices(words, k=rng.randrange(20, 180))) for _ in range(2000)]
    for row in range(rows):
        yield ('{"reviewerID": "A%013d", "asin": "B%09d", "reviewerName": "Somebody", "helpful": [%d, 9], '
               '"reviewText": "%s", "overall": %d.0, "summary": "A summary", "unixReviewTime": %d, '
               '"reviewTime": "01 1, 2014"}\n' % (rng.randrange(users), row * items // rows, row % 9,
                                                  texts[row % 2000], row % 5 + 1,
                                                  1300000000 + 86400 * rng.randrange(1000)))


def csv(rng, rows, users, items):
    yield "user_id,item_id,timestamp\n"
    for _ in range(rows):
        yield "%d,%d,%d\n" % (rng.random() ** 2 * users, rng.random() ** 3 * items, 1500000000 + rng.random() * 1e7)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("format", choices=["reviews", "csv"])
    parser.add_argument("--out", required=True)
    for name, default in (("rows", 1_689_188), ("users", 192_403), ("items", 63_001), ("seed", 1)):
        parser.add_argument("--" + name, type=int, default=default)
    a = parser.parse_args()
    lines = (reviews if a.format == "reviews" else csv)(random.Random(a.seed), a.rows, a.users, a.items)
    with open(a.out, "w", encoding="utf-8", buffering=1 << 20) as out:
        out.writelines(lines)


if __name__ == "__main__":
    main()
