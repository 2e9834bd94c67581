"""Runs the tests that cover rows of reviews, and prints a line for each: `reviews.py attacks`, `reviews.py field`.

`reviews.tsv` has the test for each row, with the row's input and how the test was seen failing. A row whose test is
missing or fails, fails the run. A row without a test, `-`, is not fixed, and says why.
"""

import csv
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def rows(prefixes):
    with open(HERE / "reviews.tsv", encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["row"].split("/")[0] in prefixes:
                yield row


BUILD = ["cargo", "test", "--release", "--locked", "--workspace"]


def run(command):
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.stdout


def outcomes(table):
    """The results of these tests, by program. One build for all, because a crate alone would be compiled again."""
    names = {row["test"] for row in table if row["target"] != "stories"}
    stories = sorted({row["test"] for row in table if row["target"] == "stories"})
    others = ["--exclude", "entente-tests", "--tests", "--no-fail-fast", "--", "--exact"]
    output = run(BUILD + others + sorted(names)) if names else ""
    # Their harness takes one name at a time.
    output += "".join(run(BUILD + ["--test", "stories", "--", "--exact", name]) for name in stories)
    told, program = {}, ""
    for line in output.splitlines():
        if running := re.search(r"Running .*\(\S*/([A-Za-z0-9_]+)-[0-9a-f]+\)", line):
            program = running[1]
        elif said := re.match(r"test (\S+)\s+\.\.\. (\w+)", line):
            told[program, said[1]] = said[2]
    if not told:
        print(output[-4000:], file=sys.stderr)
    return told


def program(row):
    return row["crate"].replace("-", "_") if row["target"] == "lib" else row["target"]


def main():
    suite = sys.argv[1]
    prefixes = {"attacks": {"attacks"}, "field": {"field", "fidelity", "architecture"},
                "users": {"users"}}[suite]
    table = list(rows(prefixes))
    told = outcomes([row for row in table if row["test"] != "-"])
    failed = left = 0
    for row in table:
        if row["test"] == "-":
            left += 1
            print(f"{row['row']:<18} {'LEFT':<9} {row['input']}: {row['seen failing']}")
            continue
        says = told.get((program(row), row["test"]), "NOT THERE")
        failed += says != "ok"
        print(f"{row['row']:<18} {says:<9} {row['crate']} {row['test']}")
    print(f"{len(table) - left - failed} of {len(table) - left} rows hold, {left} are not mended")
    return 1 if failed or not table else 0


if __name__ == "__main__":
    sys.exit(main())
