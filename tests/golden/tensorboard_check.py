"""Trains with `openp5`, stops it, goes on, and reads the run folder with TensorBoard's own reader.

usage: tensorboard_check.py OPENP5

Needs tensorboard in this Python, or in the one that the environment's
OPENP5_TEST_TENSORBOARD_PYTHON names; without it exits with 77, which CTest shows as skipped.
"""

import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77

other = os.environ.pop("OPENP5_TEST_TENSORBOARD_PYTHON", "")
if other:
    os.execv(other, [other] + sys.argv)
if importlib.util.find_spec("tensorboard") is None:
    print(
        "skipped: this Python has no tensorboard; OPENP5_TEST_TENSORBOARD_PYTHON may name one "
        "that has"
    )
    sys.exit(SKIPPED)

from tensorboard.backend.event_processing.plugin_event_multiplexer import (  # noqa: E402
    EventMultiplexer,
)
from tensorboard.util import tensor_util  # noqa: E402

OPENP5 = sys.argv[1]


def openp5(*arguments):
    subprocess.run([OPENP5, *arguments], check=True)


def train(folder, run, *more):
    return [
        OPENP5, "train", "--data-dir", f"{folder}/data", "--datasets", "Toy",
        "--tasks", "sequential,straightforward", "--backbone", "preset:t5-tiny",
        "--tokenizer", f"{folder}/tokenizer", "--run-dir", run, "--epochs", "2",
        "--batch-size", "16", "--sample-prompt", "--sample-num", "1", "--threads", "1",
        "--logging-step", "1", "--valid-select", "hit@10", "--test-after-train", *more,
    ]  # fmt: skip


def scalars(run):
    """By tag, the points (step, value) that TensorBoard shows of a run folder."""
    multiplexer = EventMultiplexer(tensor_size_guidance={"scalars": 0})
    multiplexer.AddRun(run, "run")
    multiplexer.Reload()
    tags = multiplexer.GetAccumulator("run").Tags()["tensors"]
    return {
        tag: [
            (event.step, tensor_util.make_ndarray(event.tensor_proto).item())
            for event in multiplexer.Tensors("run", tag)
        ]
        for tag in tags
    }


def stop_and_resume(folder, run):
    """Kills a run at its fifth step, past what it saved at its fourth, and goes on."""
    program = subprocess.Popen(train(folder, run, "--save-steps", "4"))
    log = pathlib.Path(run, "metrics.jsonl")
    while program.poll() is None and not (log.exists() and '"step":5,' in log.read_text()):
        time.sleep(0.005)
    program.send_signal(signal.SIGKILL)
    program.wait()
    subprocess.run(train(folder, run, "--save-steps", "4", "--resume"), check=True)
    assert len(list(pathlib.Path(run).glob("events.out.tfevents.*"))) == 2


with tempfile.TemporaryDirectory() as folder:
    sequences = "".join(
        f"user{user} " + " ".join(f"item{(user + i * (1 + user % 3)) % 20}" for i in range(7)) + "\n"
        for user in range(24)
    )
    pathlib.Path(folder, "data", "Toy").mkdir(parents=True)
    pathlib.Path(folder, "data", "Toy", "user_sequence.txt").write_text(sequences)
    data = ["--data-dir", f"{folder}/data", "--datasets", "Toy"]
    openp5("index", "build", *data)
    openp5("tokenizer", "train", *data, "--out", f"{folder}/tokenizer", "--vocabulary-size", "300",
           "--split-digits")  # fmt: skip
    subprocess.run(train(folder, f"{folder}/whole"), check=True)
    stop_and_resume(folder, f"{folder}/parts")
    whole, parts = scalars(f"{folder}/whole"), scalars(f"{folder}/parts")

    expected = {
        "train_loss", "learning_rate", "gradient_norm", "samples_per_second", "tokens_per_second",
        "padding_share", "epoch_train_loss", "validation_loss", "validation_metric",
    }  # fmt: skip
    for task in ("sequential", "straightforward"):
        expected |= {f"train_loss/Toy/{task}", f"validation/hit@10/Toy/{task}",
                     f"best_test/hit@5/Toy/{task}"}  # fmt: skip
    assert expected <= set(whole), sorted(expected - set(whole))
    lines = [json.loads(line) for line in pathlib.Path(folder, "whole", "metrics.jsonl").open()]
    steps = [(line["step"], line["loss"]) for line in lines if line["event"] == "step"]
    assert [step for step, _ in whole["train_loss"]] == [step for step, _ in steps]
    for (_, shown), (_, logged) in zip(whole["train_loss"], steps):
        assert abs(shown - logged) < 1e-5 * abs(logged), (shown, logged)
    # Resumed exactly, and every step once: what the killed run measured last is superseded.
    for tag in sorted(tag for tag in expected if not tag.endswith("_per_second")):
        assert parts[tag] == whole[tag], (tag, whole[tag], parts[tag])
print("TensorBoard reads every scalar of a run, once a step across a restart")
