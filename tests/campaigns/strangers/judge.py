"""Lets strangers judge a vault's log: aics-tlog verifies it and refuses tampered copies, aics-witness cosigns it live.

Never judges by a program of this house alone: each claim that the log is good is a stranger's, and each stranger is also
shown a copy that is not. Starts and ends its own vault and witnesses, on loopback, in a folder that vanishes.
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 60
READS = 20

tally = {"passed": 0, "failed": 0}


def check(what, holds, detail=""):
    tally["passed" if holds else "failed"] += 1
    print(f"{'ok    ' if holds else 'FAILED'} {what}{'' if holds else ': ' + detail}", flush=True)


def await_until(what, found):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    sys.exit(f"strangers: {what} did not happen within {PATIENCE_SECONDS} s")


class Process:
    """A process that ends with the judge."""

    running = []

    def __init__(self, *arguments, out=None):
        self.process = subprocess.Popen([str(a) for a in arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        Process.running.append(self)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    @staticmethod
    def end_all():
        for one in Process.running:
            if one.process.poll() is None:
                one.process.kill()
                one.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Strangers:
    def __init__(self, tools, vkey):
        self.tools, self.vkey = tools, vkey

    def tlog(self, *arguments):
        """Runs aics-tlog; gives whether it accepts, and what it said."""
        done = subprocess.run([str(self.tools / "aics-tlog"), *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def accepts(self, what, *arguments):
        status, said = self.tlog(*arguments)
        check(f"aics-tlog accepts: {what}", status == 0, said.strip())

    def refuses(self, what, *arguments):
        status, said = self.tlog(*arguments)
        # A crash of the tool is no refusal.
        check(f"aics-tlog refuses: {what}", status != 0 and "Traceback" not in said, said.strip() or "accepted")


def entries_of(log, size):
    """Every entry under the checkpoint, cut out of the bundles as FORMAT.md says."""
    entries = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        full = log / "tile" / "entries" / f"{number:03}"
        path = full if width == 256 else pathlib.Path(f"{full}.p") / str(width)
        data, at = path.read_bytes(), 0
        for _ in range(width):
            length = int.from_bytes(data[at : at + 2], "big")
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
    return entries


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).hexdigest()


def size_of(note):
    return int(note.read_text().split("\n")[1])


def start_vault(programs, directory, out):
    page = directory / "demo.json"
    before = page.read_text() if page.exists() else ""
    vault = Process(programs / "gridvault", "demo", "--listen", "127.0.0.1:0", "--persons", "1000", "--dir", directory, out=out)

    def served():
        if vault.process.poll() is not None:
            sys.exit(f"strangers: the vault ended with {vault.process.returncode}")
        try:
            text = page.read_text()
            return text != before and json.loads(text)
        except (OSError, ValueError):
            return None

    return vault, await_until("the vault serves", served)


def read_sample(page, times):
    samples = page["samples"]
    worker = next(a for a in page["actors"] if a["role"] == "grid_worker" and a["grid"] == samples["grid"])
    for _ in range(times):
        request = urllib.request.Request(
            f"{page['url']}/v1/records/{samples['record_id']}?fields=name",
            headers={"Authorization": f"Bearer {worker['token']}", "Purpose": samples["purpose"]},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200


def judge_log(strangers, log, old, room):
    """What a stranger says of the log, and of copies that are not as they were signed."""
    size = size_of(log / "checkpoint")
    entries = entries_of(log, size)
    key = ("--log-key", strangers.vkey)
    strangers.accepts(f"checkpoint of {size} entries", "verify-checkpoint", "--tiles", log, *key)
    for index in sorted({0, 1, size // 3, size // 2, size - 1}):
        place = ("--tiles", log, "--index", index, *key)
        strangers.accepts(f"entry {index}", "verify-inclusion", "--leaf-hash", leaf_hash(entries[index]), *place)
        other = leaf_hash(entries[index] + b" ")
        strangers.refuses(f"another entry at {index}", "verify-inclusion", "--leaf-hash", other, *place)
    strangers.accepts("that it continues an older checkpoint", "verify-consistency", "--old-checkpoint", old, "--tiles", log, *key)

    def copy(name, path, change):
        tampered = room / name
        shutil.copytree(log, tampered)
        file = tampered / path
        data = bytearray(file.read_bytes())
        change(data)
        file.write_bytes(data)
        return tampered

    def flip(at):
        def change(data):
            data[at] ^= 1

        return change

    inclusion = ("verify-inclusion", "--index", 0, "--leaf-hash", leaf_hash(entries[0]))
    tile = copy("tile", "tile/0/000", flip(40))
    strangers.refuses("a flipped hash of a leaf", *inclusion, "--tiles", tile, *key)
    # The proof of the last entry, and the one that the log continues, need the hash over the first 256.
    above = ("--tiles", copy("above", f"tile/1/000.p/{size // 256}", flip(0)), *key)
    last = ("verify-inclusion", "--index", size - 1, "--leaf-hash", leaf_hash(entries[-1]))
    strangers.refuses("a flipped hash above the leaves", *last, *above)
    strangers.refuses("the same, as a continuation", "verify-consistency", "--old-checkpoint", old, *above)
    for name, at in (("size", -90), ("signature", -20)):
        note = copy(name, "checkpoint", flip(at))
        strangers.refuses(f"a checkpoint with another {name}", "verify-checkpoint", "--tiles", note, *key)
    bundle = copy("bundle", "tile/entries/000", flip(30))
    changed = leaf_hash(entries_of(bundle, 256)[0])
    strangers.refuses("a changed entry", "verify-inclusion", "--index", 0, "--leaf-hash", changed, "--tiles", bundle, *key)


def judge_served(strangers, programs, page, room):
    """What a stranger says of the log as the running vault serves it: checkpoint and hashes without a token."""
    url, mirror = page["url"] + "/log", room / "mirror"

    def fetch(path):
        with urllib.request.urlopen(f"{url}/{path}") as answer:
            file = mirror / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(answer.read())
            return file

    size = size_of(fetch("checkpoint"))
    for level in range(3):
        hashes = size >> (8 * level)
        for number in range(hashes // 256):
            fetch(f"tile/{level}/{number:03}")
        if hashes % 256:
            fetch(f"tile/{level}/{hashes // 256:03}.p/{hashes % 256}")
    key = ("--log-key", strangers.vkey)
    strangers.accepts(f"the checkpoint of {size} entries that is served", "verify-checkpoint", "--tiles", mirror, *key)
    entry = entries_of(pathlib.Path(page["log"]["dir"]), size)[size // 2]
    place = ("--tiles", mirror, "--index", size // 2, *key)
    strangers.accepts("an entry by the hashes that are served", "verify-inclusion", "--leaf-hash", leaf_hash(entry), *place)
    refused = None
    try:
        fetch("tile/entries/000")
    except urllib.error.HTTPError as error:
        refused = error.code
    check("entries are not served to a stranger", refused == 401, f"{refused}")
    token = room / "token"
    token.write_text(next(a for a in page["actors"] if a["role"] == "compliance_auditor")["token"])
    verifier = [str(programs / "gridvault-audit"), "verify", url, "--vkey", strangers.vkey, "--json"]
    done = subprocess.run([*verifier, "--token-file", str(token)], capture_output=True, text=True)
    check("gridvault-audit verifies the running vault", done.returncode == 0, done.stdout + done.stderr)
    done = subprocess.run(verifier, capture_output=True, text=True)
    check("and cannot without an auditor's token", done.returncode == 1, f"{done.returncode} {done.stdout}")


def judge_witness(strangers, programs, log, policy, vkey, url, origin):
    """What the stranger's witness made of the log, and what both sides say of its cosignature."""
    cosigned = log / "witnessed"
    size = size_of(cosigned)
    check("aics-witness cosigned the last checkpoint", size == size_of(log / "checkpoint"), f"{size}")
    by = ("--log-key", strangers.vkey, "--witness-key", vkey, "--quorum", 1)
    strangers.accepts("its cosignature", "verify-checkpoint", "--note", cosigned, *by)
    strangers.refuses("the checkpoint without it", "verify-checkpoint", "--note", log / "checkpoint", *by)
    verifier = [str(programs / "gridvault-audit"), "verify", str(log), "--policy", str(policy), "--json"]
    done = subprocess.run(verifier, capture_output=True, text=True)
    said = json.loads(done.stdout)
    agreed = done.returncode == 0 and said["witnessed_size"] == size and len(said["cosignatures"]) == 2
    check("gridvault-audit accepts a quorum of both witnesses", agreed, done.stdout)
    hashed = hashlib.sha256(origin.encode()).hexdigest()
    try:
        with urllib.request.urlopen(f"{url}/{hashed}/checkpoint") as answer:
            view = answer.read().decode()
    except OSError as error:
        view = str(error)
    check("aics-witness shows its own view of the log", view.split("\n")[:2] == [origin, str(size)], view)
    asked = subprocess.run([*verifier, "--ask-witnesses"], capture_output=True, text=True)
    check("gridvault-audit asks both witnesses for it", asked.returncode == 0, asked.stdout)


def start_witnesses(options, room, page, out):
    """aics-witness and the witness of this house, each for this log; gives their lines of a policy."""
    config, port = room / "witness.json", free_port()
    tool = options.tools / "aics-witness"
    init = [tool, "init", "-c", config, "--name", "stranger.example/w1", "--listen", f"127.0.0.1:{port}"]
    subprocess.run(list(map(str, init)), check=True, stdout=out, stderr=out)
    origin, vkey = page["log"]["origin"], page["log"]["vkey"]
    add = [tool, "add-log", "-c", config, "--origin", origin, "--vkey", vkey]
    subprocess.run(list(map(str, add)), check=True, stdout=out, stderr=out)
    status = subprocess.run([str(tool), "status", "-c", str(config)], capture_output=True, text=True, check=True).stdout
    stranger = next(word for word in status.replace('"', " ").replace(",", " ").split() if word.startswith("stranger.example/w1+"))
    Process(tool, "serve", "-c", config, out=out)

    own, own_port = room / "own", free_port()
    program = options.programs / "gridvault-audit"
    init = [program, "witness", "init", "--dir", own, "--name", "own.example/w2"]
    own_vkey = subprocess.run(list(map(str, init)), capture_output=True, text=True, check=True).stdout.strip()
    serve = ("witness", "serve", "--dir", own, "--vkey", vkey, "--listen", f"127.0.0.1:{own_port}")
    Process(program, *serve, out=out)

    for each in (port, own_port):
        await_until("a witness listens", lambda: socket.socket().connect_ex(("127.0.0.1", each)) == 0)
    url = f"http://127.0.0.1:{port}"
    lines = (
        f"log {vkey}\nwitness stranger {stranger} {url}\n"
        f"witness own {own_vkey} http://127.0.0.1:{own_port}\ngroup both all stranger own\nquorum both\n"
    )
    return lines, stranger, url


def run(options, room):
    out = open(room / "out", "ab")
    vault, page = start_vault(options.programs, room / "vault", out)
    read_sample(page, READS)
    judge_served(Strangers(options.tools, page["log"]["vkey"]), options.programs, page, room)
    check("the vault stops in order", vault.stop() == 0)
    log = pathlib.Path(page["log"]["dir"])
    old = room / "old-checkpoint"
    shutil.copy(log / "checkpoint", old)

    lines, stranger, url = start_witnesses(options, room, page, out)
    policy = room / "policy"
    policy.write_text(lines)
    config = room / "vault" / "config"
    config.write_text(f'witness_policy = "{policy}"\n' + config.read_text())
    vault, page = start_vault(options.programs, room / "vault", out)
    read_sample(page, READS)
    check("the vault stops in order with its witnesses", vault.stop() == 0)

    strangers = Strangers(options.tools, page["log"]["vkey"])
    judge_log(strangers, log, old, room)
    judge_witness(strangers, options.programs, log, policy, stranger, url, page["log"]["origin"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.programs, options.tools = options.programs.resolve(), options.tools.absolute()
    os.environ.pop("HTTP_PROXY", None)
    os.environ.pop("http_proxy", None)
    with tempfile.TemporaryDirectory() as room:
        try:
            run(options, pathlib.Path(room))
        finally:
            Process.end_all()
            if tally["failed"]:
                sys.stderr.write((pathlib.Path(room) / "out").read_text(errors="replace")[-4000:])
    print(f"{tally['passed']} passed, {tally['failed']} failed")
    sys.exit(1 if tally["failed"] else 0)


main()
