"""Answers questions about a policy with pycasbin: one enforcer per role, over the product's own model and role files.

usage: answer.py POLICIES QUESTIONS ANSWERS
QUESTIONS has a line `role,level,topic,class,group,action` for each; ANSWERS gets `yes` or `no` for each, in their order.
"""

import csv
import logging
import pathlib
import sys

import casbin


def enforcer(policies: pathlib.Path, role: str) -> casbin.Enforcer:
    """The role's lines as they stand in its file: level, topic, class, group, action, effect."""
    made = casbin.Enforcer(str(policies / "model.conf"))
    with open(policies / "roles" / f"{role}.csv", encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        rules = [[word.strip() for word in row] for row in csv.reader(lines) if row]
    if rules and not made.add_policies(rules):
        raise SystemExit(f"{role}: pycasbin does not take the lines")
    return made


def main() -> None:
    policies, questions, answers = (pathlib.Path(argument) for argument in sys.argv[1:4])
    logging.disable(logging.CRITICAL)
    enforcers: dict[str, casbin.Enforcer] = {}
    with open(questions, encoding="utf-8") as asked, open(answers, "w", encoding="utf-8") as told:
        for line in asked:
            role, *question = line.rstrip("\n").split(",")
            if role not in enforcers:
                enforcers[role] = enforcer(policies, role)
            told.write("yes\n" if enforcers[role].enforce(*question) else "no\n")


if __name__ == "__main__":
    main()
