"""Loads what `openp5 checkpoint export` wrote with Hugging Face's transformers and compares numbers.

usage: transformers_check.py OPENP5

Needs torch, transformers and sentencepiece in this Python, or in those that the environment's
OPENP5_TEST_TRANSFORMERS_PYTHON names; without them exits with 77, which CTest shows as skipped.
"""

import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile

import python_choice

TOLERANCE = 1e-4
python_choice.run_with_each(
    "OPENP5_TEST_TRANSFORMERS_PYTHON", ("torch", "transformers", "sentencepiece", "safetensors")
)

import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors import safe_open  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)
OPENP5 = sys.argv[1]


def run(*arguments, text=None):
    result = subprocess.run([OPENP5, *arguments], input=text, capture_output=True, text=True)
    assert result.returncode == 0, f"{arguments}: {result.stderr}"
    return result.stdout


def make_data(folder):
    """24 users who walk round a ring of 20 items."""
    draw = random.Random(4)
    os.makedirs(f"{folder}/Toy")
    with open(f"{folder}/Toy/user_sequence.txt", "w") as file:
        for user in range(24):
            item, line = draw.randrange(20), [f"user{user}"]
            for _ in range(7):
                line.append(f"item{item % 20}")
                item += draw.randrange(1, 3)
            file.write(" ".join(line) + "\n")


def tensors_of(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def check_same_ids(tokenizer, family, saved, texts):
    lines = run(
        "tokenizer",
        "encode",
        "--tokenizer",
        saved,
        "--family",
        family,
        text="".join(json.dumps(text) + "\n" for text in texts),
    )
    for text, line in zip(texts, lines.splitlines(), strict=True):
        assert tokenizer(text).input_ids == json.loads(line), (
            text,
            tokenizer(text).input_ids,
            line,
        )


def whole_words(tokenizer, ids):
    """A running count that grows at each piece that begins a word; 0 for the end token."""
    count, result = 0, []
    for token, piece in zip(ids, tokenizer.convert_ids_to_tokens(ids)):
        count += piece.startswith("\u2581")
        result.append(0 if token == tokenizer.eos_token_id else count)
    return torch.tensor([result])


def check_scores(exported, samples, topk, model, tokenizer):
    """Every recommended item's score is the mean log-probability transformers' logits give it."""
    words = tensors_of(f"{exported}/model.safetensors")["encoder.whole_word_embeddings.weight"]
    identifiers = dict(line.split() for line in open(f"{exported}-index/Toy/items.txt"))
    compared = 0
    for prompt, line in zip(samples, topk, strict=True):
        ids = tokenizer(prompt).input_ids
        embedded = model.shared(torch.tensor([ids])) + words[whole_words(tokenizer, ids)]
        encoded = model.encoder(inputs_embeds=embedded)
        for item, score in zip(line["items"], line["scores"]):
            labels = torch.tensor([tokenizer(f"Toy item_{identifiers[item]}").input_ids])
            logits = model(encoder_outputs=encoded, labels=labels).logits[0]
            expected = logits.log_softmax(-1).gather(1, labels.T).mean().item()
            assert abs(expected - score) < TOLERANCE, (prompt, item, expected, score)
            compared += 1
    return compared


def train(run_dir, tokenizer, *more):
    """One short epoch."""
    short = ("--epochs", "1", "--batch-size", "16", "--threads", "1", "--sample-prompt", "--sample-num", "1")
    run("train", "--run-dir", run_dir, "--tokenizer", tokenizer, *short, *more)


def check_trained_model(folder, data):
    """A T5 trained here, with added tokens and a whole-word embedding."""
    index = (
        "--indexing",
        "collaborative",
        "--collaborative-token-size",
        "8",
        "--collaborative-cluster",
        "4",
    )
    run("index", "build", *data)
    run("index", "build", *index, *data)
    run(
        "tokenizer",
        "train",
        "--out",
        f"{folder}/tokenizer",
        "--vocabulary-size",
        "300",
        "--split-digits",
        *data,
    )
    train(f"{folder}/run", f"{folder}/tokenizer", "--backbone", "preset:t5-tiny", *index, *data)
    checkpoint, exported = f"{folder}/run/checkpoints/best", f"{folder}/exported"
    told = run(
        "checkpoint", "export", "--checkpoint", checkpoint, "--to", "huggingface", "--out", exported
    )
    assert "whole_word_embeddings" in told, told
    run(
        "checkpoint",
        "export",
        "--checkpoint",
        checkpoint,
        "--to",
        "openp5",
        "--out",
        f"{exported}-index",
    )
    os.rename(
        f"{exported}-index/Toy/item_collaborative_indexing_8_4_sequential.txt",
        f"{exported}-index/Toy/items.txt",
    )

    tokenizer = transformers.AutoTokenizer.from_pretrained(exported, use_fast=False)
    prompts = f"{folder}/samples.tsv"
    run(
        "dataset",
        "samples",
        *data,
        *index,
        "--tasks",
        "sequential",
        "--split",
        "test",
        "--prompt",
        "seen:0",
        "--format",
        "tsv",
        "--out",
        prompts,
    )
    rows = [line.rstrip("\n").split("\t") for line in open(prompts)]
    check_same_ids(
        tokenizer,
        "t5",
        f"{checkpoint}/tokenizer",
        [text for row in rows for text in row] + ["", "  item_<CI1><CI2>, item_<CI0> "],
    )

    model = transformers.T5ForConditionalGeneration.from_pretrained(exported).eval()
    topk = evaluate(folder, data, checkpoint)
    compared = check_scores(exported, [row[0] for row in rows], topk, model, tokenizer)
    assert compared >= 24 * 5, compared
    print(f"trained model: {compared} scores agree to {TOLERANCE}")
    return f"{checkpoint}/tokenizer", index


def check_round_trip(folder, data, name, model, tokenizer, index):
    """Hugging Face -> openp5 -> Hugging Face: equal bytes, equal logits. Returns the model as loaded."""
    first, second = f"{folder}/{name}", f"{folder}/{name}-again"
    model.save_pretrained(first, max_shard_size="100KB")
    assert os.path.exists(f"{first}/model.safetensors.index.json")
    # Loaded: a model that was converted to bfloat16 has rotary tables of that type.
    model = type(model).from_pretrained(first, torch_dtype=model.dtype).eval()
    run(
        "checkpoint",
        "import",
        "--from",
        "huggingface",
        "--checkpoint",
        first,
        "--tokenizer",
        tokenizer,
        "--out",
        f"{folder}/{name}-ours",
        *index,
        *data,
    )
    told = run("checkpoint", "export", "--checkpoint", f"{folder}/{name}-ours", "--out", second)
    again = type(model).from_pretrained(second, torch_dtype=model.dtype).eval()
    before, after = dict(model.state_dict()), dict(again.state_dict())
    assert before.keys() == after.keys()
    for key, tensor in before.items():
        assert tensor.dtype == after[key].dtype and torch.equal(tensor, after[key]), key
    ids = torch.randint(3, model.config.vocab_size, (2, 9))
    with torch.no_grad():
        wanted, got = (m.float()(input_ids=ids, labels=ids).logits for m in (model, again))
    assert (wanted - got).abs().max() < TOLERANCE
    texts = [
        "Toy item_<CI1><CI2> , item_<CI0>",
        "What's next for user_12?",
        "  Gr\u00fc\u00dfe\n",
        "e\u0301",
    ]
    # Version 5 takes every tokenizer beside a Qwen 2 for Qwen 2's own; an export says so.
    by_class = transformers.AutoTokenizer
    if model.config.model_type == "qwen2":
        assert "PreTrainedTokenizerFast.from_pretrained gives the right ones" in told, told
        if int(transformers.__version__.split(".")[0]) >= 5:
            by_class = transformers.PreTrainedTokenizerFast
    check_same_ids(
        by_class.from_pretrained(
            second,
            use_fast=os.path.isdir(tokenizer) and os.path.exists(f"{tokenizer}/tokenizer.json"),
        ),
        "auto",
        f"{folder}/{name}-ours/tokenizer",
        texts,
    )
    print(f"{name}: {len(before)} tensors come back byte by byte, and the tokenizer")
    return model


def evaluate(folder, data, checkpoint):
    run(
        "evaluate",
        "--checkpoint",
        checkpoint,
        "--prompt",
        "seen:0",
        "--beams",
        "5",
        "--precision",
        "float32",
        "--threads",
        "1",
        "--topk-out",
        f"{folder}/topk.jsonl",
        *data,
    )
    return [json.loads(line) for line in open(f"{folder}/topk.jsonl")]


def check_causal_scores(folder, data, checkpoint, model, tokenizer):
    """The same as check_scores for a causal model: the mean over the tokens of the response."""
    rows = [line.rstrip("\n").split("\t") for line in open(f"{folder}/samples.tsv")]
    identifiers = dict(line.split() for line in open(f"{folder}/exported-index/Toy/items.txt"))
    compared = 0
    for (prompt, _), line in zip(rows, evaluate(folder, data, checkpoint), strict=True):
        start = len(tokenizer(f"{prompt} Response:").input_ids) - 1  # without the end token
        for item, score in zip(line["items"], line["scores"]):
            text = f"{prompt} Response: Toy item_{identifiers[item]}"
            ids = torch.tensor([tokenizer(text).input_ids])
            logits = model.float()(input_ids=ids).logits[0, start - 1 : -1]
            expected = logits.log_softmax(-1).gather(1, ids[0, start:, None]).mean().item()
            assert abs(expected - score) < TOLERANCE, (prompt, item, expected, score)
            compared += 1
    assert compared >= 24 * 5, compared
    return compared


def check_trained_causal_models(folder, data, index, tokenizer_path):
    """A Llama trained here, all weights or an adapter, exported whole; and the adapter for PEFT."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(f"{folder}/exported", use_fast=False)
    base = f"{folder}/base"
    for name, options in (
        ("full", ("--backbone", "preset:llama-tiny", "--random-initialize=false")),
        ("lora", ("--backbone", base, "--lora", "--lora-r", "4", "--lora-dropout", "0.1")),
    ):
        train(f"{folder}/{name}", tokenizer_path, *options, *index, *data)
        checkpoint, exported = f"{folder}/{name}/checkpoints/best", f"{folder}/{name}-exported"
        run("checkpoint", "export", "--checkpoint", checkpoint, "--out", exported)
        model = transformers.AutoModelForCausalLM.from_pretrained(exported).eval()
        compared = check_causal_scores(folder, data, checkpoint, model, tokenizer)
        print(f"causal {name}: {compared} scores agree to {TOLERANCE}")
        if name == "full":
            model.save_pretrained(base)
            continue
        run("checkpoint", "export", "--checkpoint", checkpoint, "--to", "peft", "--out", f"{base}-a")
        run(
            "checkpoint",
            "import",
            "--from",
            "peft",
            "--checkpoint",
            f"{base}-a",
            "--backbone",
            base,
            "--tokenizer",
            tokenizer_path,
            "--out",
            f"{base}-merged",
            *index,
            *data,
        )
        compared = check_causal_scores(folder, data, f"{base}-merged", model, tokenizer)
        print(f"causal adapter imported: {compared} scores agree to {TOLERANCE}")
        if importlib.util.find_spec("peft") is None:
            print("causal peft: skipped, this Python has no peft")
            continue
        import peft

        plain = transformers.AutoModelForCausalLM.from_pretrained(base).eval()
        adapted = peft.PeftModel.from_pretrained(plain, f"{base}-a").eval()
        ids = torch.randint(3, model.config.vocab_size, (2, 9))
        difference = (adapted(input_ids=ids).logits - model(input_ids=ids).logits).abs().max()
        assert difference < TOLERANCE, difference
        print(f"causal peft: logits agree to {TOLERANCE}")


def check_causal_families(folder, data, index, tokenizer_path, rows):
    """Models of transformers' own making, evaluated here and sent back."""
    shape = dict(
        vocab_size=rows,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
    )
    llama3 = dict(
        rope_type="llama3",
        factor=8.0,
        low_freq_factor=1.0,
        high_freq_factor=4.0,
        original_max_position_embeddings=64,
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(f"{folder}/exported", use_fast=False)
    for name, kind, more, dtype in (
        ("llama", "Llama", {}, torch.float32),
        ("llama-bf16", "Llama", dict(attention_bias=True, mlp_bias=True), torch.bfloat16),
        ("llama-tied", "Llama", dict(tie_word_embeddings=True, head_dim=32), torch.float32),
        ("llama-linear", "Llama", dict(rope_scaling=dict(rope_type="linear", factor=2.0)), torch.float32),
        ("llama-3", "Llama", dict(rope_theta=500000.0, rope_scaling=llama3), torch.float32),
        ("qwen-2", "Qwen2", {}, torch.float32),
        ("qwen-3", "Qwen3", dict(head_dim=16), torch.float32),
    ):
        config = getattr(transformers, f"{kind}Config")(**shape, **more)
        model = getattr(transformers, f"{kind}ForCausalLM")(config).to(dtype).eval()
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.data.add_(torch.randn_like(parameter) * 0.1)
        model = check_round_trip(folder, data, name, model, tokenizer_path, index)
        compared = check_causal_scores(folder, data, f"{folder}/{name}-ours", model, tokenizer)
        print(f"{name}: {compared} scores agree to {TOLERANCE}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        make_data(f"{folder}/data")
        data = ("--data-dir", f"{folder}/data", "--datasets", "Toy")
        with torch.no_grad():
            tokenizer, index = check_trained_model(folder, data)
        rows = json.loads(
            run("checkpoint", "inspect", f"{folder}/run/checkpoints/best", "--format", "json")
        )["model_config"]["vocab_size"]
        for name, kind, dtype in (
            ("t5-1.0", "relu", torch.float32),
            ("t5-1.1", "gated-gelu", torch.bfloat16),
        ):
            config = transformers.T5Config(
                vocab_size=rows,
                d_model=64,
                d_kv=16,
                d_ff=128,
                num_layers=2,
                num_heads=4,
                feed_forward_proj=kind,
                tie_word_embeddings=kind == "relu",
                decoder_start_token_id=0,
            )
            model = transformers.T5ForConditionalGeneration(config).to(dtype).eval()
            check_round_trip(folder, data, name, model, tokenizer, index)
        with torch.no_grad():
            check_trained_causal_models(folder, data, index, tokenizer)
            check_causal_families(folder, data, index, tokenizer, rows)
        fixtures = os.path.join(
            os.path.dirname(os.path.abspath(__file__)), "../platform/text/fixtures"
        )
        for name in ("gpt2", "llama3", "qwen2"):
            config = transformers.T5Config(
                vocab_size=512,
                d_model=64,
                d_kv=16,
                d_ff=128,
                num_layers=1,
                num_heads=4,
                decoder_start_token_id=0,
            )
            model = transformers.T5ForConditionalGeneration(config).eval()
            check_round_trip(folder, data, name, model, f"{fixtures}/{name}", index)


main()
