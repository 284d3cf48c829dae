/** SHA-256: FIPS 180 examples, NIST's additional test vectors, and lengths around the padding. */
import { utf8 } from "@bulkhead/base";
import { hex } from "./hex.ts";

export const HASHES = [
  {
    title: "nothing",
    message: new Uint8Array(0),
    hash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  },
  {
    title: "abc",
    message: utf8("abc"),
    hash: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  },
  {
    title: "56 bytes, two blocks with padding",
    message: utf8("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    hash: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  },
  {
    title: "112 bytes",
    message: utf8(
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    ),
    hash: "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  },
  {
    title: "one byte",
    message: hex("bd"),
    hash: "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b",
  },
  {
    title: "four bytes",
    message: hex("c98c8e55"),
    hash: "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504",
  },
  {
    title: "55 zeros",
    message: new Uint8Array(55),
    hash: "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7",
  },
  {
    title: "56 zeros",
    message: new Uint8Array(56),
    hash: "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb",
  },
  {
    title: "57 zeros",
    message: new Uint8Array(57),
    hash: "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785",
  },
  {
    title: "64 zeros",
    message: new Uint8Array(64),
    hash: "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b",
  },
  {
    title: "1,000 zeros",
    message: new Uint8Array(1000),
    hash: "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53",
  },
  {
    title: "1,000 times A",
    message: new Uint8Array(1000).fill(0x41),
    hash: "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4",
  },
  {
    title: "1,005 times U",
    message: new Uint8Array(1005).fill(0x55),
    hash: "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0",
  },
  {
    title: "a million times a",
    message: new Uint8Array(1_000_000).fill(0x61),
    hash: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
  },
  {
    title: "a million zeros",
    message: new Uint8Array(1_000_000),
    hash: "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025",
  },
] as const;
