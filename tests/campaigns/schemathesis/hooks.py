"""Gives each request its token and writes down what came back.

Never judges: the tool's checks and the driver do. The tokens of one run belong to actors with equal rights; each serves
for a number of requests that stays below the refusals after which the vault locks an actor out for the hour.
"""

import itertools
import json
import os

import schemathesis

TOKENS = open(os.environ["GRIDVAULT_TOKENS"], encoding="ascii").read().split()
REQUESTS_PER_TOKEN = int(os.environ["GRIDVAULT_REQUESTS_PER_TOKEN"])
SEEN = open(os.environ["GRIDVAULT_SEEN"], "a", encoding="ascii", buffering=1)
numbers = itertools.count()

if TOKENS:

    @schemathesis.auth(refresh_interval=None)
    class Token:
        """The token whose turn it is. Running out of them ends the run with an error, never with a second round."""

        def get(self, case, context):
            return TOKENS[next(numbers) // REQUESTS_PER_TOKEN]

        def set(self, case, data, context):
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.serializer("application/x-ndjson")
def line(context, value):
    """A batch of one line."""
    return value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"


@schemathesis.hook
def before_call(context, case, kwargs):
    # The document cannot know the id of an actor; its example has one that nobody has.
    if isinstance(case.body, dict) and case.body.get("actor") == "A" * 22:
        case.body["actor"] = os.environ["GRIDVAULT_ACTOR"]
    # Each line of a roster may be a refusal, and a run would have more of them than the vault takes in an hour.
    if isinstance(case.body, dict) and isinstance(case.body.get("lines"), list):
        del case.body["lines"][2:]


@schemathesis.hook
def after_call(context, case, response):
    phase = case.meta.phase.name.value if case.meta else "probe"
    mode = case.meta.generation.mode.value if case.meta else "-"
    operation = case.operation.definition.raw.get("operationId", "-")
    SEEN.write(f"{operation} {phase} {mode} {response.status_code}\n")
