"""Makes test/vectors/tokenizer-cases.json and, given the GGUF file of SmolLM2-135M-Instruct, smollm2-tokens.json.

    python -m venv .venv && .venv/bin/pip install tokenizers==0.23.3 sentencepiece==0.2.3 gguf==0.19.0
    .venv/bin/python test/interop/tokenizer_vectors.py test/vectors [SmolLM2-135M-Instruct.Q4_1.gguf]
    npx oxfmt test/vectors

The tokenizers are trained on the texts below, so that their merges meet what the texts are difficult for.
"""
import io
import json
import sys

import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXTS = [
    "", " ", "   ", "\n", "\t", "\r\n", "a", "Hello, world!", "  leading  double spaces", "trailing   ",
    "tabs\tand\n\nnewlines \n mixed\r\n", "line\r\nline\rline\n\n\nline", " \t \n ", "   7", "  12  345   6789",
    "1234567890 007 3.14159 1,000,000 -5", "\u00bd \u00b2 x\u00b2 \u2167 \u2460 \u0663\u0664 \u0967\u0968 \uff11\uff12 \u3007 \u4e09 a\u00bc", 
    "don't I'll we've they're it's I'm he'd DON'T I'LL WE'VE IT'S it'\u017f", "'tis ''quoted'' don''t",
    "\u8054\u90a6\u5b66\u4e60\u53ef\u4ee5\u4fdd\u62a4\u6570\u636e\u9690\u79c1\u3002", "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3001\u30ab\u30bf\u30ab\u30ca",
    "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8", "\U00020000\U0002a6d7 rare ideographs", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144", "\u00c4pfel na\u00efve CAF\u00c9 stra\u00dfe \u1e9e",
    "e\u0301 cafe\u0301 \u1112\u1161\u11ab \ufb01ne \u212b \u2126", "\u0391\u03a3 \u039f\u0394\u039f\u03a3 \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u0130stanbul \u0131",
    "emoji \U0001f600\U0001f44d\U0001f3fd flag \U0001f1e8\U0001f1f3", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family \u2764\ufe0f \U0001f3f4\u200d\u2620\ufe0f", "\U0001f9ec\U00020000\u0000 end",
    "\u00a0nbsp\u3000ideographic\u200bzero\u2028line\u2029para\u0085next\u202fthin", "\ufeffmark\ufeff \ufeff middle", "\u0085\u0085 a \u0085b", "\u0004ctl\u0006", "c\u0004a\u0006t \u0007bell\u001b[31m \u007f del",
    "\ufffd \ufffe \uffff \U0010ffff", "\ue000 private \U000f0000", "\u0378 unassigned", "http://example.com/a?b=1&c=%20#x", "user@example.org <tag attr=\"v\">text</tag>",
    "def f(x):\n    return x ** 2  # square\n\n\tif x:\n", "snake_case camelCase kebab-case SCREAMING_CASE", "!!! ??? ... --- ___ === $$$ ^^^ ~~~ |||", "($x + y) <= [a, b] {c: d}",
    "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|><|im_end|>", "a<|im_end|>b <|im_end|> c", "<|im_start", "im_end|>", "<|im_<|im_start|>", "<|endoftext|>", "<s>system</s>", "[CLS] x [SEP] [MASK] [UNK]",
    "a  <mask>  b<mask>", "<think>no</think>", "<tool_call>x</tool_call>", "<unk><0x41>", "\u2581piece\u2581 \u2581", "Replace $& and $1 with $$", "__proto__ constructor toString", "supercalifragilisticexpialidocious",
    "x" * 300, "ab" * 200, " " * 100, "\n" * 50, "0" * 60, "\u4e2d" * 40, "\U0001f600" * 20, "a b " * 60, "the quick brown fox jumps over the lazy dog. " * 4,
]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
DEFAULT = [r"[\p{P}\$\+<=>\^~\|]+", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)", r"\p{N}+", "[0-9][0-9][0-9]"]


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def byte_level(use_regex):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": use_regex}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def added(content, id, special=True, lstrip=False):
    return {"id": id, "content": content, "single_word": False, "lstrip": lstrip, "rstrip": False, "normalized": False, "special": special}


def trained_bytes():
    """Vocabulary and merges of a byte-level tokenizer, learned without parting digits, spaces and words too eagerly."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "merged_with_next"), pre_tokenizers.ByteLevel(False, use_regex=False)])
    trainer = trainers.BpeTrainer(vocab_size=256 + 3 + 280, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(ordinary(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [" ".join(merge) for merge in model["merges"]]


def ordinary():
    return [text for text in TEXTS if not any(special in text for special in [*SPECIALS, "<s>", "[CLS]", "<mask>", "<unk>", "<tool_call>"])]


def trained_words():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=420, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(ordinary(), trainer)
    return json.loads(tokenizer.to_str())["model"]["vocab"], names


def trained_pieces():
    """Pieces, scores and types of a SentencePiece BPE model, as a GGUF file has them."""
    model = io.BytesIO()
    sentences = [line for text in ordinary() for line in text.split("\n") if line.strip() and "\0" not in line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences * 3), model_writer=model, model_type="bpe", vocab_size=700, character_coverage=0.98, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = range(processor.get_piece_size())
    kind = lambda i: 2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i) else 1
    return processor, [processor.id_to_piece(i) for i in ids], [processor.get_score(i) for i in ids], [kind(i) for i in ids]


def merges_by_score(pieces, scores, kinds):
    """The way of transformers' converter."""
    normal = {piece: i for i, piece in enumerate(pieces) if kinds[i] == 1}
    merges = []
    for piece, i in normal.items():
        halves = [(piece[:k], piece[k:]) for k in range(1, len(piece)) if piece[:k] in normal and piece[k:] in normal]
        merges += [(scores[i], a, b) for a, b in sorted(halves, key=lambda pair: (normal[pair[0]], normal[pair[1]]))]
    return [f"{a} {b}" for _, a, b in sorted(merges, key=lambda merge: merge[0], reverse=True)]


def cases(name, tokenizer_json):
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_json))

    def ids(special):
        tokenizer.encode_special_tokens = not special
        return [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]

    plain, special = ids(False), ids(True)
    framed = tokenizer.encode("a").ids
    decoded = [tokenizer.decode(each, skip_special_tokens=False) for each in special]
    return {"name": name, "plain": plain, "special": [s if s != p else None for s, p in zip(special, plain)], "decoded": [d if d != t else None for d, t in zip(decoded, TEXTS)], "framed": framed}


def byte_tokenizer(model, **parts):
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(s, i) for i, s in enumerate(SPECIALS)], "normalizer": None, "pre_tokenizer": byte_level(True), "post_processor": None, "decoder": {**byte_level(True)}}
    return {**base, "model": {"type": "BPE", "unk_token": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, **model}, **parts}


def dump(path, value):
    with open(path, "w", encoding="ascii") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def main(folder, gguf=None):
    vocab, merges = trained_bytes()
    model = {"vocab": vocab, "merges": merges}
    missing = ["\u0104", "\u0106", "\u0107", "\u00f5", "\u00f8"]
    size = max(vocab.values()) + 1
    words, names = trained_words()
    processor, pieces, scores, kinds = trained_pieces()
    piece_model = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": {p: i for i, p in enumerate(pieces)}, "merges": merges_by_score(pieces, scores, kinds)}
    piece_added = [added(pieces[i], i) for i in range(3)]
    piece_decoder = [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    bos = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": SPECIALS[0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": {SPECIALS[0]: {"id": SPECIALS[0], "ids": [0], "tokens": [SPECIALS[0]]}}}
    tokenizers = {
        "gpt-2": byte_tokenizer(model),
        "smollm": byte_tokenizer(without(model, missing), pre_tokenizer=sequence({"type": "Digits", "individual_digits": True}, byte_level(True))),
        "llama-bpe": byte_tokenizer({**model, "ignore_merges": True}, pre_tokenizer=sequence(split(LLAMA3), byte_level(False)), post_processor={"type": "Sequence", "processors": [byte_level(True), bos]}),
        "qwen2": byte_tokenizer(model, normalizer={"type": "NFC"}, pre_tokenizer=sequence(split(QWEN2), byte_level(False)), added_tokens=[*(added(s, i) for i, s in enumerate(SPECIALS)), added("<tool_call>", size, special=False)]),
        "default": byte_tokenizer(model, pre_tokenizer=sequence(*map(split, DEFAULT), byte_level(False))),
        "roberta": byte_tokenizer(model, added_tokens=[*(added(s, i) for i, s in enumerate(SPECIALS)), added("<mask>", size, lstrip=True)], pre_tokenizer={**byte_level(True), "add_prefix_space": True}, post_processor={"type": "RobertaProcessing", "sep": [SPECIALS[2], 2], "cls": [SPECIALS[0], 0], "trim_offsets": True, "add_prefix_space": True}),
        "bert": {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [added(n, i) for i, n in enumerate(names)], "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}, "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": words}},
        "llama-2": {"version": "1.0", "truncation": None, "padding": None, "added_tokens": piece_added, "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}, "pre_tokenizer": None, "post_processor": None, "decoder": {"type": "Sequence", "decoders": piece_decoder}, "model": piece_model},
        "mistral": {"version": "1.0", "truncation": None, "padding": None, "added_tokens": piece_added, "normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}, "post_processor": None, "decoder": {"type": "Sequence", "decoders": piece_decoder}, "model": piece_model},
    }
    shared = {"bytes": model, "pieces": {"vocab": piece_model["vocab"], "merges": piece_model["merges"], "scores": scores, "types": kinds}}
    texts_of_pieces = [text for text in TEXTS if "\0" not in text and not any(s in text for s in ("<s>", "</s>", "<unk>"))]
    dump(f"{folder}/tokenizer-cases.json", {
        "made_by": "test/interop/tokenizer_vectors.py",
        "texts": TEXTS,
        "shared": shared,
        "tokenizers": {name: without_shared(value, missing if name == "smollm" else []) for name, value in tokenizers.items()},
        "cases": [cases(name, value) for name, value in tokenizers.items()],
        "sentencepiece": {"texts": [TEXTS.index(text) for text in texts_of_pieces], "ids": [processor.encode(text) for text in texts_of_pieces]},
    })
    if gguf is not None:
        dump(f"{folder}/smollm2-tokens.json", smollm2(gguf))


def without(model, missing):
    """The model where these bytes have no token."""
    has = lambda token: any(character in token for character in missing)
    return {"vocab": {t: i for t, i in model["vocab"].items() if not has(t)}, "merges": [m for m in model["merges"] if not has(m)]}


def without_shared(value, missing):
    """What is the same in many is written once."""
    model = value["model"]
    if model["type"] != "BPE":
        return value
    rest = {key: field for key, field in model.items() if key not in ("vocab", "merges")}
    return {**value, "model": {**rest, "shared": "pieces" if model["byte_fallback"] else "bytes", "without": missing}}


def smollm2(path):
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens, kinds, merges = (fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "token_type", "merges"))
    specials = [added(token, i) for i, token in enumerate(tokens) if kinds[i] == 3]
    value = byte_tokenizer({"vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges}, added_tokens=specials, pre_tokenizer=sequence({"type": "Digits", "individual_digits": True}, byte_level(True)))
    return {"made_by": "test/interop/tokenizer_vectors.py", "texts": TEXTS, **cases("smollm2", value)}


main(*sys.argv[1:])
