"""Makes tokenizers and models with Hugging Face's transformers as its users do, saves them, and compares.

usage: transformers_folders.py OPENP5 [NAME...]

For every folder: the ids that openp5 gives to many texts, and the score of every item for some users. For
every tokenizer: a model with it imported and exported again gives the same ids in transformers. NAME: only
folders whose names hold it.

Needs torch, transformers (4 or 5) and sentencepiece in this Python, or in those that the environment's
OPENP5_TEST_TRANSFORMERS_PYTHON names; without them exits with 77, which CTest shows as skipped.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import python_choice

python_choice.run_with_each(
    "OPENP5_TEST_TRANSFORMERS_PYTHON",
    ("torch", "transformers", "sentencepiece", "google.protobuf"),
)

import sentencepiece  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers  # noqa: E402
from tokenizers import processors, trainers  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)
transformers.logging.set_verbosity_error()
OPENP5, NAMES = sys.argv[1], sys.argv[2:]
TOLERANCE = 1e-4
IS_4 = transformers.__version__.startswith("4.")
ITEM_TOKENS = [f"<CI{i}>" for i in range(7)]
CORPUS = [
    "The seller's items weren't listed, so we'll wait for Toy item_1034 again.",
    "Considering user_12 has bought item_1001 , item_1002 , what is next? Response: Toy item_",
    "What would user_7 buy after item_2034 ? Predict the next item. Response: Toy item_",
    "A kettle, 12 cups and 345 spoons; price: 19.99 EUR! Beauty purchase history ML100K",
    "Each digit alone: 0 1 2 3 4 5 6 7 8 9",
    "Ein Kessel f\u00fcr Gr\u00fc\u00dfe \u00fcber M\u00fcnchen, na\u00efve caf\u00e9.",
] * 8
TEXTS = [
    "Toy item_1034",
    "Toy item_<CI1><CI2>",
    "Toy user_3 : item_<CI1><CI2> , item_<CI0><CI3> . Next ?",
    "What is next for user_12? Response: Toy item_<CI5>",
    "",
    "a  b   c",
    "x <CI4> y<CI4>z ,<CI0>",
    "trail  ",
    "f\u00fcr Gr\u00fc\u00dfe e\u0301 \ufb01 \u65e5\u672c \U0001f389 \u2460 \u1e9b\u0323",
    "tab\tx\n\ny \r\n z",
    "12 345 6,7 item_2034 3.14 \u0661\u0662",
    "it's IT'S we'Ve 'tis",
    "x</s>y <unk>z <|im_end|> q <extra_id_0> r",
    "nbsp\u00a0x\u3000y\u200bz",
    "<sep>q <sep>",
]
# What slow tokenizers and fast ones of one version do not agree on: blanks and tokens at the start.
EDGES = ["  lead", "   ", " <CI0>", "<CI1> y", "<CI1>  y  <CI2>x<CI3>\n<CI4> "]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def run(*arguments, text=None):
    result = subprocess.run([OPENP5, *arguments], input=text, capture_output=True, text=True)
    assert result.returncode == 0, f"{arguments}: {result.stderr}"
    return result.stdout


def make_data(folder):
    """Twelve users who walk round a ring of 20 items."""
    draw = random.Random(4)
    os.makedirs(f"{folder}/Toy")
    with open(f"{folder}/Toy/user_sequence.txt", "w") as file:
        for user in range(12):
            item, line = draw.randrange(20), [f"user{user}"]
            for _ in range(7):
                line.append(f"item{item % 20}")
                item += draw.randrange(1, 3)
            file.write(" ".join(line) + "\n")


def sentencepiece_folder(folder, kind):
    """A folder with a trained model and nothing else; made once."""
    path = f"{folder}/sentencepiece-{kind}"
    if os.path.exists(path):
        return path
    os.makedirs(path)
    t5 = dict(model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, vocab_size=200)
    llama = dict(model_type="bpe", pad_id=-1, bos_id=1, eos_id=2, unk_id=0, vocab_size=420)
    llama.update(byte_fallback=True, split_digits=True, remove_extra_whitespaces=False)
    llama.update(normalization_rule_name="identity")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_prefix=f"{path}/m",
        minloglevel=2,
        hard_vocab_limit=kind == "llama",
        **(t5 if kind == "t5" else llama),
    )
    os.rename(f"{path}/m.model", f"{path}/" + ("spiece" if kind == "t5" else "tokenizer") + ".model")
    os.remove(f"{path}/m.vocab")
    return path


def sentencepiece_tokenizer(folder, kind, use_fast, legacy=None):
    """As AutoTokenizer gives it; `legacy` as in tokenizer_config.json."""
    path = f"{folder}/source"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(sentencepiece_folder(folder, kind), path)
    name = "T5Tokenizer" if kind == "t5" else "LlamaTokenizer"
    config = dict(tokenizer_class=name, **({} if legacy is None else dict(legacy=legacy)))
    json.dump(config, open(f"{path}/tokenizer_config.json", "w"))
    return transformers.AutoTokenizer.from_pretrained(path, use_fast=use_fast)


def byte_level_tokenizer(kind):
    """One as GPT-2, Llama 3, Qwen 2 and SmolLM have it."""
    level = pre_tokenizers.ByteLevel
    splits = {
        "llama3": pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
        "qwen2": pre_tokenizers.Split(Regex(LLAMA3.replace("{1,3}", "")), "isolated"),
        "smollm": pre_tokenizers.Digits(individual_digits=True),
    }
    made = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
    last = level(add_prefix_space=False, use_regex=kind in ("gpt2", "smollm"))
    made.pre_tokenizer = pre_tokenizers.Sequence([splits[kind], last]) if kind in splits else last
    if kind == "qwen2":
        made.normalizer = normalizers.NFC()
    made.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=350,
        initial_alphabet=level.alphabet(),
        special_tokens=special if kind == "smollm" else [],
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    made.add_special_tokens(special)
    names = dict(eos_token="<|im_end|>", pad_token="<|endoftext|>")
    if kind == "llama3":
        names["bos_token"] = "<|im_start|>"
        begin = made.token_to_id("<|im_start|>")
        template = processors.TemplateProcessing(
            single="<|im_start|> $A", pair="<|im_start|> $A $B", special_tokens=[("<|im_start|>", begin)]
        )
        made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **names)


def slow_byte_level_tokenizer(folder, kind):
    """One of a folder with vocab.json and merges.txt, as AutoTokenizer reads it."""
    path = f"{folder}/slow"
    shutil.rmtree(path, ignore_errors=True)
    byte_level_tokenizer(kind).save_pretrained(path)
    name = {"gpt2": "GPT2Tokenizer", "qwen2": "Qwen2Tokenizer"}[kind]
    json.dump({"tokenizer_class": name}, open(f"{path}/tokenizer_config.json", "w"))
    return without_fast_file(path)


def add_special(tokenizer):
    field = "additional_special_tokens" if IS_4 else "extra_special_tokens"
    special = list(getattr(tokenizer, field, []) or []) + ITEM_TOKENS
    tokenizer.add_special_tokens({field: special})


def add_more(tokenizer):
    tokenizer.add_tokens(["<sep>"] + ITEM_TOKENS[3:] + ["<other>"] + ITEM_TOKENS[:3])
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})


ADDITIONS = {
    "none": lambda tokenizer: None,
    "added": lambda tokenizer: tokenizer.add_tokens(ITEM_TOKENS),
    "special": add_special,
    "reversed": lambda tokenizer: tokenizer.add_tokens(ITEM_TOKENS[::-1]),
    "more": add_more,
}
FAMILIES = {
    "t5": lambda folder: sentencepiece_tokenizer(folder, "t5", False),
    "t5-legacy": lambda folder: sentencepiece_tokenizer(folder, "t5", False, True),
    "t5-not-legacy": lambda folder: sentencepiece_tokenizer(folder, "t5", False, False),
    "t5-fast": lambda folder: sentencepiece_tokenizer(folder, "t5", True),
    "t5-fast-not-legacy": lambda folder: sentencepiece_tokenizer(folder, "t5", True, False),
    "llama": lambda folder: sentencepiece_tokenizer(folder, "llama", False),
    "llama-not-legacy": lambda folder: sentencepiece_tokenizer(folder, "llama", False, False),
    "llama-fast": lambda folder: sentencepiece_tokenizer(folder, "llama", True),
    "llama-fast-not-legacy": lambda folder: sentencepiece_tokenizer(folder, "llama", True, False),
    "gpt2": lambda folder: byte_level_tokenizer("gpt2"),
    "llama3": lambda folder: byte_level_tokenizer("llama3"),
    "qwen2": lambda folder: byte_level_tokenizer("qwen2"),
    "smollm": lambda folder: byte_level_tokenizer("smollm"),
    "gpt2-slow": lambda folder: slow_byte_level_tokenizer(folder, "gpt2"),
    "qwen2-slow": lambda folder: slow_byte_level_tokenizer(folder, "qwen2"),
}


def make_model(family, tokenizer, size, multiple):
    shape = dict(vocab_size=size - 1, pad_token_id=0, eos_token_id=tokenizer.eos_token_id)
    if family.startswith("t5"):
        config = transformers.T5Config(
            **shape,
            d_model=16,
            d_kv=8,
            d_ff=32,
            num_layers=1,
            num_heads=2,
            decoder_start_token_id=0,
        )
        model = transformers.T5ForConditionalGeneration(config)
    else:
        kind = "Qwen2" if family.startswith("qwen2") else "Llama"
        config = getattr(transformers, kind + "Config")(
            **shape,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            initializer_range=0.3,
            bos_token_id=tokenizer.bos_token_id,
        )
        model = getattr(transformers, kind + "ForCausalLM")(config)
    # As many rows as tokens, rounded up; drawn wide, so that every row tells.
    model.resize_token_embeddings(size, pad_to_multiple_of=multiple)
    model.get_input_embeddings().weight.data.normal_(0, 1)
    return model.eval()


def score(model, tokenizer, prompt, output):
    """The mean log-probability of the output's tokens and the end token after the prompt."""
    if model.config.is_encoder_decoder:
        labels = torch.tensor([tokenizer(output).input_ids])
        logits = model(input_ids=torch.tensor([tokenizer(prompt).input_ids]), labels=labels).logits[0]
        return logits.log_softmax(-1).gather(1, labels.T).mean().item()
    start = len(tokenizer(f"{prompt} Response:").input_ids)
    ids = tokenizer(f"{prompt} Response: {output}").input_ids + [tokenizer.eos_token_id]
    logits = model(input_ids=torch.tensor([ids])).logits[0, start - 1 : -1]
    return logits.log_softmax(-1).gather(1, torch.tensor(ids)[start:, None]).mean().item()


def index_options(has_tokens):
    if not has_tokens:
        return ("--indexing", "sequential")
    sizes = ("--collaborative-token-size", "8", "--collaborative-cluster", "4")
    return ("--indexing", "collaborative", *sizes)


def samples(folder, data, index):
    """The test prompts and outputs, in the order of users; made once."""
    path = f"{folder}/samples-{index[1]}.tsv"
    if not os.path.exists(path):
        run("index", "build", *data, *index)
        options = ("--tasks", "sequential", "--split", "test", "--prompt", "seen:0", "--format", "tsv")
        run("dataset", "samples", *data, *index, *options, "--out", path)
    return [line.rstrip("\n").split("\t") for line in open(path)]


def check_ids(where, tokenizer, path, texts, family="auto"):
    lines = run(
        "tokenizer",
        "encode",
        "--tokenizer",
        path,
        "--family",
        family,
        text="".join(json.dumps(text) + "\n" for text in texts),
    )
    for text, line in zip(texts, lines.splitlines(), strict=True):
        expected = list(tokenizer(text).input_ids)
        assert expected == json.loads(line), f"{where}: {text!r}: {expected} {line}"


def check_scores(where, folder, data, index, model, tokenizer, path):
    topk = f"{folder}/topk.jsonl"
    options = ("--prompt", "seen:0", "--beams", "20", "--precision", "float32", "--threads", "1")
    run("evaluate", "--checkpoint", path, *data, *index, *options, "--topk-out", topk)
    names = item_identifiers(folder, data, index)
    compared = 0
    for (prompt, _), line in zip(samples(folder, data, index), map(json.loads, open(topk)), strict=True):
        for item, got in zip(line["items"][:6], line["scores"]):
            expected = score(model, tokenizer, prompt, f"Toy item_{names[item]}")
            assert abs(expected - got) < TOLERANCE, f"{where}: {prompt!r}: {item}: {expected} {got}"
            compared += 1
        if compared >= 18:
            return


def item_identifiers(folder, data, index):
    path = f"{folder}/items-{index[1]}"
    if not os.path.exists(path):
        run("index", "export", *data, *index, "--items", path)
    return dict(line.split() for line in open(path))


def check_export(where, folder, data, index, path, texts):
    """Imported and exported again, transformers gives the ids that openp5 gives."""
    ours, exported = f"{folder}/ours", f"{folder}/exported"
    for old in (ours, exported):
        shutil.rmtree(old, ignore_errors=True)
    run("checkpoint", "import", "--checkpoint", path, *data, *index, "--out", ours)
    run("checkpoint", "export", "--checkpoint", ours, "--out", exported)
    family = json.load(open(f"{ours}/manifest.json"))["tokenizer_family"]
    for use_fast in (True, False) if IS_4 else (True,):
        tokenizer = transformers.AutoTokenizer.from_pretrained(exported, use_fast=use_fast)
        check_ids(f"{where}: exported", tokenizer, f"{ours}/tokenizer", texts, family)
        check_ids(f"{where}: exported, read again", tokenizer, exported, texts)


def move_ids(path, by):
    """Moves the ids of the last three item tokens up, in the two files that list them."""
    moved = ITEM_TOKENS[3:]
    config = json.load(open(f"{path}/tokenizer_config.json"))
    decoder = config["added_tokens_decoder"]
    config["added_tokens_decoder"] = {
        str(int(id) + (by if token["content"] in moved else 0)): token for id, token in decoder.items()
    }
    json.dump(config, open(f"{path}/tokenizer_config.json", "w"))
    return transformers.AutoTokenizer.from_pretrained(path, use_fast=False)


def without_fast_file(path):
    """Leaves a folder as a slow tokenizer saves it, and reads that."""
    model = json.load(open(f"{path}/tokenizer.json"))["model"]
    os.remove(f"{path}/tokenizer.json")
    json.dump(model["vocab"], open(f"{path}/vocab.json", "w"))
    with open(f"{path}/merges.txt", "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in ["#version: 0.2", *map(" ".join, model["merges"])])
    return transformers.AutoTokenizer.from_pretrained(path)


def check_folder(folder, data, family, addition, multiple):
    where = f"{family}, {addition}, rows to a multiple of {multiple}"
    tokenizer = FAMILIES[family](folder)
    ADDITIONS["added" if addition == "gaps" else addition](tokenizer)
    path = f"{folder}/model"
    shutil.rmtree(path, ignore_errors=True)
    tokenizer.save_pretrained(path)
    if family.endswith("-slow"):
        tokenizer = without_fast_file(path)
    if addition == "gaps":
        tokenizer = move_ids(path, 5)
    is_slow = not getattr(tokenizer, "is_fast", True)
    size = max(tokenizer.get_vocab().values()) + 1
    model = make_model(family, tokenizer, size, multiple)
    model.save_pretrained(path)
    has_tokens = addition != "none"
    texts = TEXTS if is_slow else TEXTS + EDGES
    if not has_tokens:
        texts = [text for text in texts if "<CI" not in text]
    index = index_options(has_tokens)
    samples(folder, data, index)
    check_ids(where, tokenizer, path, texts)
    with torch.no_grad():
        check_scores(where, folder, data, index, model, tokenizer, path)
    check_export(where, folder, data, index, path, texts + (EDGES if has_tokens else []))
    print(f"{where}: ids, scores and export agree", flush=True)


def main():
    print("transformers", transformers.__version__)
    failures, checked = [], 0
    with tempfile.TemporaryDirectory() as folder:
        make_data(f"{folder}/data")
        data = ("--data-dir", f"{folder}/data", "--datasets", "Toy")
        cases = [(family, addition) for family in FAMILIES for addition in ADDITIONS]
        cases += [(family, "gaps") for family in ("t5", "llama") if IS_4]
        for number, (family, addition) in enumerate(cases):
            if not IS_4 and ("fast" in family or "legacy" in family):
                continue  # version 5 has one kind
            if not IS_4 and family.endswith("-slow") and addition not in ("none", "special"):
                continue  # version 5 writes other added tokens into its tokenizer.json alone
            if NAMES and not any(name in f"{family}-{addition}" for name in NAMES):
                continue
            checked += 1
            try:
                check_folder(folder, data, family, addition, (None, 8, 64)[number % 3])
            except AssertionError as error:
                failures.append(str(error))
                print("FAILED", str(error)[:1500], flush=True)
    print(f"{checked - len(failures)} of {checked} folders agree")
    sys.exit(1 if failures or not checked else 0)


main()
