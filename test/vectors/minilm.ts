/**
 * What the reference implementation gives for all-MiniLM-L6-v2 on mails of the SpamAssassin corpus: PyTorch's BERT
 * through transformers in 32 bits, cut to 64 tokens, mean pooling over tokens, length 1.
 */

/** The first values of each class's weight in the zero-shot head. */
export const HEAD_STARTS: readonly (readonly number[])[] = [
  [-0.07393217086791992, 0.0635826364159584, -0.021370481699705124, 0.042181700468063354],
  [-0.05129360035061836, 0.0059556239284574986, 0.0070480527356266975, 0.061609264463186264],
];

export interface GoldenMail {
  readonly label: number;
  readonly text: string;
  readonly ids: readonly number[];
  /** Of the text's direction, to six decimals. */
  readonly start: readonly number[];
  /** Of the zero-shot classifier. */
  readonly logits: readonly number[];
}

export const GOLDEN_MAILS: readonly GoldenMail[] = [
  {
    label: 0,
    text: "janis ian interviewed on slashdot . janis ian, a brave and talented recording artist (and budding and talented science fiction writer) has done a terrific interview with the slashdot groupmind about her views on the music industry. seriously, diversity is something record companies can't afford anymore - not the majors, at any rate. i'd go to this article, posted at linux journal, which quotes a newsweet article (july 0,0) by steven levy saying \"so why are the record labels taking such a hard line? my guess is that it's all about protecting their internet-challenged business model. their profi",
    ids: [
      101, 5553, 2483, 4775, 10263, 2006, 18296, 27364, 1012, 5553, 2483, 4775, 1010, 1037, 9191, 1998, 10904,
      3405, 3063, 1006, 1998, 13007, 4667, 1998, 10904, 2671, 4349, 3213, 1007, 2038, 2589, 1037, 27547, 4357,
      2007, 1996, 18296, 27364, 2177, 23356, 2055, 2014, 5328, 2006, 1996, 2189, 3068, 1012, 5667, 1010, 8906,
      2003, 2242, 2501, 3316, 2064, 1005, 1056, 8984, 4902, 1011, 2025, 1996, 102,
    ],
    start: [-0.007133, -0.026261, 0.007404, 0.012675],
    logits: [1.37768, 0.89854],
  },
  {
    label: 0,
    text: "headlines for 0-0-0 . use perl daily headline mailer passing the parrot pumpkin posted by km on tuesday october 0, @0:0 (parrot) link the perl journal on the ropes posted by pudge on tuesday october 0, @0:0 (links) link copyright 0-0 pudge. all rights reserved. = you have received this message because you subscribed to it on use perl. to stop receiving this and other messages from use perl, or to add more messages or change your preferences, please go to your user page. link you can log in and change your preferences from there.",
    ids: [
      101, 19377, 2005, 1014, 1011, 1014, 1011, 1014, 1012, 2224, 2566, 2140, 3679, 17653, 5653, 2121, 4458,
      1996, 22530, 25730, 6866, 2011, 2463, 2006, 9857, 2255, 1014, 1010, 1030, 1014, 1024, 1014, 1006, 22530,
      1007, 4957, 1996, 2566, 2140, 3485, 2006, 1996, 14607, 6866, 2011, 16405, 11818, 2006, 9857, 2255, 1014,
      1010, 1030, 1014, 1024, 1014, 1006, 6971, 1007, 4957, 9385, 1014, 1011, 102,
    ],
    start: [0.02445, 0.087291, -0.019686, 0.008751],
    logits: [3.14649, 1.79558],
  },
  {
    label: 0,
    text: 'from . actually, this issue used to escalate into a religious war. the "from " envelope is an artifact of the mbox mailbox format, and from that perspective it should be the mail server that stores its mailboxes in mbox format that should be responsible for escaping lines beginning with "from ". on the other hand, this breaks the assumption that the mail transport only touches the message headers and leaves the message body alone. things like pgp signatures break when the mail server changes the message body. also, strictly speaking, the mbox format envelope (or for us old-timers, the uucp env',
    ids: [
      101, 2013, 1012, 2941, 1010, 2023, 3277, 2109, 2000, 9686, 25015, 2618, 2046, 1037, 3412, 2162, 1012,
      1996, 1000, 2013, 1000, 11255, 2003, 2019, 20785, 1997, 1996, 16914, 11636, 5653, 8758, 4289, 1010,
      1998, 2013, 2008, 7339, 2009, 2323, 2022, 1996, 5653, 8241, 2008, 5324, 2049, 5653, 8758, 2229, 1999,
      16914, 11636, 4289, 2008, 2323, 2022, 3625, 2005, 13002, 3210, 2927, 2007, 1000, 102,
    ],
    start: [-0.039033, 0.077395, 0.020185, 0.020659],
    logits: [2.44516, 0.5662],
  },
  {
    label: 0,
    text: "how to copy some files . mh used them nicely. mh stores one message per file. the refile command allows you to move a message from one folder to another *or* link it to another folder. it uses hard links to do this. this would suck to if it used soft links - what if i later deleted the actual file? kevin",
    ids: [
      101, 2129, 2000, 6100, 2070, 6764, 1012, 1049, 2232, 2109, 2068, 19957, 1012, 1049, 2232, 5324, 2028,
      4471, 2566, 5371, 1012, 1996, 25416, 9463, 3094, 4473, 2017, 2000, 2693, 1037, 4471, 2013, 2028, 19622,
      2000, 2178, 1008, 2030, 1008, 4957, 2009, 2000, 2178, 19622, 1012, 2009, 3594, 2524, 6971, 2000, 2079,
      2023, 1012, 2023, 2052, 11891, 2000, 2065, 2009, 2109, 3730, 6971, 1011, 102,
    ],
    start: [-0.040798, -0.059765, 0.012073, 0.064889],
    logits: [2.29809, 0.87232],
  },
  {
    label: 0,
    text: "david friedman: mail me the money! . gary murphy: spammers fall into two categories. the more difficult case are those whose back-end business can be executed entirely in a foreign nation, such as the 0 spammers. and you're right: there's not much we can do about those, except filter them in various ways. but the vast majority of spammers have a back-end business that requires a native presence. debt consolidation. mortgages. herbalife and other mlms. even porn sites require credit card transactions. that means the people responsible can be found. there have been some successful suits, but (a)",
    ids: [
      101, 2585, 18486, 1024, 5653, 2033, 1996, 2769, 999, 1012, 5639, 7104, 1024, 12403, 15810, 2015, 2991,
      2046, 2048, 7236, 1012, 1996, 2062, 3697, 2553, 2024, 2216, 3005, 2067, 1011, 2203, 2449, 2064, 2022,
      6472, 4498, 1999, 1037, 3097, 3842, 1010, 2107, 2004, 1996, 1014, 12403, 15810, 2015, 1012, 1998, 2017,
      1005, 2128, 2157, 1024, 2045, 1005, 1055, 2025, 2172, 2057, 2064, 2079, 102,
    ],
    start: [-0.03095, -0.050654, -0.04287, -0.017708],
    logits: [2.14046, 3.18074],
  },
  {
    label: 0,
    text: 'a sudden rush to declare bankruptcy is expected . yes, the current ones, but rarely if ever the original ones. mom and pop investor get screwed, while the originals have inside info and have cashed it all or enough out to not care anymore. as for the rules for a corp being different then for people, why do you think we have corporations? tax benefits, liability benefits, and the ever popular <bart>i didn\'t do it</bart>. if everything can be blamed on a virtual "thing" then noone has to worry about having their $0m home in florida taken away :) of course if you read the story on vcs posted earl',
    ids: [
      101, 1037, 5573, 5481, 2000, 13520, 10528, 2003, 3517, 1012, 2748, 1010, 1996, 2783, 3924, 1010, 2021,
      6524, 2065, 2412, 1996, 2434, 3924, 1012, 3566, 1998, 3769, 14316, 2131, 14180, 1010, 2096, 1996, 23728,
      2031, 2503, 18558, 1998, 2031, 5356, 2098, 2009, 2035, 2030, 2438, 2041, 2000, 2025, 2729, 4902, 1012,
      2004, 2005, 1996, 3513, 2005, 1037, 13058, 2108, 2367, 2059, 2005, 2111, 102,
    ],
    start: [-0.002303, -0.117328, 0.017096, -0.083235],
    logits: [1.02916, 0.51741],
  },
];

/** Token ids of Python's tokenizers 0.23.3 with the model's tokenizer.json, without truncation and padding. */
export const GOLDEN_TOKENS: readonly (readonly [text: string, ids: readonly number[]])[] = [
  ["", [101, 102]],
  ["   ", [101, 102]],
  ["a", [101, 1037, 102]],
  ["\u00c4pfel na\u00efve CAF\u00c9", [101, 9706, 7959, 2140, 15743, 7668, 102]],
  ["\ufb01ne print", [101, 1984, 2638, 6140, 102]],
  ["\u4ef7\u683c 100 \u5143", [101, 100, 100, 2531, 1769, 102]],
  ["don't stop_now", [101, 2123, 1005, 1056, 2644, 1035, 2085, 102]],
  ["ratio \u00bd of \u00bc", [101, 6463, 1092, 1997, 1091, 102]],
  [
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    [101, 100, 102],
  ],
  ["tab\tand\nline\u00a0nbsp", [101, 21628, 1998, 2240, 1050, 5910, 2361, 102]],
  ["nul\u0000 \ufffd ctrl\u0007", [101, 16371, 2140, 14931, 12190, 102]],
  ["[SEP] injected [CLS] [MASK]", [101, 102, 19737, 101, 103, 102]],
  ["e\u0301 e\u0301", [101, 1041, 1041, 102]],
  ["emoji \ud83d\ude42 x", [101, 7861, 29147, 2072, 100, 1060, 102]],
  ["free!!! $$$ 0,0", [101, 2489, 999, 999, 999, 1002, 1002, 1002, 1014, 1010, 1014, 102]],
  [
    "000000000000000000000000000000",
    [101, 2199, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 8889, 2692, 102],
  ],
  ["\u0130stanbul \u1e9e", [101, 9960, 1096, 102]],
  [
    "supercalifragilisticexpialidocious",
    [101, 3565, 9289, 10128, 29181, 24411, 4588, 10288, 19312, 21273, 10085, 6313, 102],
  ],
  ["\u200bzero\u200bwidth", [101, 5717, 9148, 11927, 2232, 102]],
  ["\ufb00 \u0149", [101, 100, 100, 102]],
  ["\u65e5\u672c\u8a9e\u30ab\u30bf\u30ab\u30ca", [101, 1864, 1876, 1950, 1700, 30235, 30226, 30241, 102]],
  ["\ud55c\uad6d\uc5b4", [101, 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 102]],
  ["\uff21\uff22\uff23 fullwidth", [101, 100, 2440, 9148, 11927, 2232, 102]],
  ["a\u00adb soft", [101, 11113, 3730, 102]],
];
