/** ChaCha20 and ChaCha20-Poly1305: RFC 8439, sections 2.3.2, 2.4.2, 2.8.2, appendix A.1 and A.5. */
import { utf8 } from "@bulkhead/base";
import { counting, hex } from "./hex.ts";

const ZERO_KEY = new Uint8Array(32);
const ZERO_NONCE = new Uint8Array(12);

export const KEYSTREAM_BLOCKS = [
  {
    title: "A.1 #1",
    key: ZERO_KEY,
    nonce: ZERO_NONCE,
    counter: 0,
    block:
      "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
  },
  {
    title: "A.1 #2",
    key: ZERO_KEY,
    nonce: ZERO_NONCE,
    counter: 1,
    block:
      "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
  },
  {
    title: "A.1 #3",
    key: hex("0000000000000000000000000000000000000000000000000000000000000001"),
    nonce: ZERO_NONCE,
    counter: 1,
    block:
      "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
  },
  {
    title: "A.1 #4",
    key: hex("00ff000000000000000000000000000000000000000000000000000000000000"),
    nonce: ZERO_NONCE,
    counter: 2,
    block:
      "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096",
  },
  {
    title: "A.1 #5",
    key: ZERO_KEY,
    nonce: hex("000000000000000000000002"),
    counter: 0,
    block:
      "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c78a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d",
  },
  {
    title: "2.3.2",
    key: counting(0, 32),
    nonce: hex("000000090000004a00000000"),
    counter: 1,
    block:
      "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
  },
] as const;

const SUNSCREEN = utf8(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
);

/** Section 2.4.2: from the second block on, over a text that ends within a block. */
export const ENCRYPTION = {
  key: counting(0, 32),
  nonce: hex("000000000000004a00000000"),
  counter: 1,
  plaintext: SUNSCREEN,
  ciphertext: hex(
    "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d",
  ),
} as const;

export const SEALED = [
  {
    title: "2.8.2",
    key: counting(0x80, 32),
    nonce: hex("070000004041424344454647"),
    aad: hex("50515253c0c1c2c3c4c5c6c7"),
    plaintext: SUNSCREEN,
    sealed: hex(
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
    ),
  },
  {
    title: "A.5",
    key: hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
    nonce: hex("000000000102030405060708"),
    aad: hex("f33388860000000000004e91"),
    plaintext: utf8(
      "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them other than as /\u201Cwork in progress./\u201D",
    ),
    sealed: hex(
      "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38",
    ),
  },
] as const;
