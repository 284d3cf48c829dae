/** Training rows of SmolLM2-135M-Instruct as the reference cut and encoded them: 32 tokens, the label and the end learned. */
export const SMOLLM2_ROWS: readonly {
  readonly text: string;
  readonly label: string;
  readonly ids: readonly number[];
}[] = [
  {
    text: 'OSI protocol. #linux on irc.linux.ie Steve "Oh look, and much more that does not fit',
    label: "linux",
    ids: [
      1, 4093, 198, 4531, 57, 6529, 30, 907, 40397, 335, 3170, 83, 30, 40397, 30, 519, 18171, 476, 16912,
      1492, 28, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
  {
    text: "The GOv gets tough on Net Users.....er Pirates... That's an understatement and much more that does not fit",
    label: "talk",
    ids: [
      1, 4093, 198, 504, 21820, 102, 4364, 9228, 335, 5739, 21626, 30298, 259, 30051, 660, 2026, 1848, 506,
      354, 656, 29515, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 23482, 2,
    ],
  },
  {
    text: "Documentation about built-in RPM macros?. Hi. [snip] No, they and much more that does not fit",
    label: "linux",
    ids: [
      1, 4093, 198, 24217, 309, 563, 2837, 29, 254, 48743, 47876, 34710, 21041, 30, 933, 13015, 508, 77, 2838,
      28, 502, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
  {
    text: "expanding a string multiple times. Kevin O' Riordan's 30 lines of and much more that does not fit",
    label: "linux",
    ids: [
      1, 4093, 198, 19327, 274, 253, 4928, 2701, 1711, 30, 23903, 492, 23, 28481, 12886, 506, 216, 35, 32,
      3204, 282, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
  {
    text: "OpenGL. Hi. The X server itself does (or does not, depending on your and much more that does not fit",
    label: "linux",
    ids: [
      1, 4093, 198, 14297, 13743, 30, 21041, 30, 378, 2273, 6064, 2581, 1072, 365, 270, 1072, 441, 28, 4509,
      335, 469, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
  {
    text: "http://apt.nixia.no/. Olen ajatellut py and much more that does not fit",
    label: "linux",
    ids: [
      1, 4093, 198, 5031, 1742, 1889, 30, 94, 1088, 542, 30, 4607, 17396, 492, 4152, 253, 90, 261, 478, 316,
      4080, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
  {
    text: "when building a rpm i386-redhat-linux- is appended to and much more that does not fit",
    label: "linux",
    ids: [
      1, 4093, 198, 12609, 2194, 253, 43095, 2056, 35, 40, 38, 29, 455, 962, 29, 40397, 29, 314, 566, 1753,
      288, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
  {
    text: "New testing packages. Angles Puglisi wrote*: ahh, oops they and much more that does not fit",
    label: "linux",
    ids: [
      1, 4093, 198, 5529, 3728, 12902, 30, 4731, 735, 377, 1433, 92, 28628, 4150, 13714, 253, 36625, 28, 263,
      2600, 502, 198, 33903, 47, 2, 198, 1, 520, 9531, 198, 40397, 2,
    ],
  },
];
