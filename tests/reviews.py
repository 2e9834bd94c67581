"""Runs the tests that stand for rows of reviews, and prints a line for each: `reviews.py attacks`, `reviews.py field`.

`reviews.tsv` says which test stands for which row, with the row's input and how the test was seen failing. A row whose
test is not there, or does not pass, fails the run.
"""

import csv
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
STORIES = "stories"


def rows(prefixes):
    with open(HERE / "reviews.tsv", encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["row"].split("/")[0] in prefixes:
                yield row


def outcomes(crate, target, names):
    """What each test of one program says. Stories have names of their own, without modules of Rust."""
    where = ["--lib"] if target == "lib" else ["--test", target]
    command = ["cargo", "test", "--release", "--locked", "-p", crate, *where, "--", "--exact", *names]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    found = dict(re.findall(r"^test (\S+)\s+\.\.\. (\w+)", done.stdout, re.MULTILINE))
    if not found:
        print(done.stderr[-4000:], file=sys.stderr)
    return found


def main():
    suite = sys.argv[1]
    prefixes = {"attacks": {"attacks"}, "field": {"field", "fidelity"}}[suite]
    table = list(rows(prefixes))
    programs = {}
    for row in table:
        programs.setdefault((row["crate"], row["target"]), set()).add(row["test"])
    told = {key: outcomes(*key, sorted(names)) for key, names in programs.items()}
    failed = 0
    for row in table:
        says = told[row["crate"], row["target"]].get(row["test"], "NOT THERE")
        failed += says != "ok"
        print(f"{row['row']:<18} {says:<9} {row['crate']} {row['test']}")
    print(f"{len(table) - failed} of {len(table)} rows hold")
    return 1 if failed or not table else 0


if __name__ == "__main__":
    sys.exit(main())
