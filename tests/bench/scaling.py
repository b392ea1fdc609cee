#!/usr/bin/env python3
"""Training samples/s of small models over 1, 2, 4 … threads in one process.

scaling.py --openp5 BIN [--threads 1 2 4] [--steps 40] [--rounds 3]

Makes up a dataset and trains a t5-tiny, a llama-tiny on packed targets and a SASRec on it. The thread counts are
run by turns, and of each the fastest round is taken: what else runs on the machine only makes a run slower. Prints one
table, and says if the weights are not the same for every number of threads.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

DATA = ["--data-dir", "data", "--datasets", "Demo"]
INDEX = ["--indexing", "collaborative", "--collaborative-token-size", "50", "--collaborative-cluster", "10"]
PROMPTS = [*DATA, *INDEX, "--tasks", "sequential", "--history-separator", " "]
MODELS = {
    "t5-tiny": [*PROMPTS, "--tokenizer", "tokenizer", "--backbone", "preset:t5-tiny"],
    "llama-tiny, packed": [*PROMPTS, "--tokenizer", "tokenizer", "--backbone", "preset:llama-tiny", "--pack-targets", "5"],
    "SASRec": ["--model", "sasrec", "--data-dir", "data", "--datasets", "Many"],
}


def powers_of_two(most):
    return [2 ** i for i in range(most.bit_length()) if 2 ** i <= most]


class Scaling:
    def __init__(self, a):
        self.a = a
        self.work = Path(a.work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.openp5("dataset", "generate", "--out", "data/Demo")
        self.openp5("dataset", "generate", "--out", "data/Many", "--users", 20000, "--items", 12000)
        self.openp5("index", "build", *DATA, *INDEX)
        self.openp5("tokenizer", "train", *PROMPTS, "--model-type", "bpe", "--out", "tokenizer")

    def openp5(self, *arguments):
        command = [str(Path(self.a.openp5).resolve()), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.work, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"scaling: {' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")

    def train(self, model, threads):
        """Samples/s without the first steps, and a digest of the weights."""
        run = self.work / "run"
        shutil.rmtree(run, ignore_errors=True)
        self.openp5("train", *MODELS[model], "--run-dir", "run", "--threads", threads, "--max-steps", self.a.steps,
                    "--epochs", 1000, "--logging-step", 1, "--valid-select", "none")
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        rates = [line["samples_per_second"] for line in lines if line.get("event") == "step"][3:]
        weights = (run / "checkpoints/last/model.safetensors").read_bytes()
        # Each line's rate is of one step: their harmonic mean is that of all steps.
        return len(rates) / sum(1 / rate for rate in rates), hashlib.sha256(weights).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openp5", required=True)
    parser.add_argument("--work", default="build/bench-scaling")
    parser.add_argument("--threads", type=int, nargs="+", default=powers_of_two(len(os.sched_getaffinity(0))))
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()
    scaling = Scaling(a)
    print(f"{'training, samples/s':22}" + "".join(f"{f'{t} threads':>12}" for t in a.threads) + f"{'ratio':>8}")
    for model in MODELS:
        best, digests = dict.fromkeys(a.threads, 0.0), set()
        for _ in range(a.rounds):
            for threads in a.threads:
                rate, digest = scaling.train(model, threads)
                best[threads] = max(best[threads], rate)
                digests.add(digest)
        print(f"{model:22}" + "".join(f"{best[t]:12.0f}" for t in a.threads)
              + f"{best[a.threads[-1]] / best[a.threads[0]]:8.2f}")
        if len(digests) > 1:
            print(f"{model}: the weights depend on the number of threads")


if __name__ == "__main__":
    main()
