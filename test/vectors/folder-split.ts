/**
 * The mail of the scenario `language-model` as the recipe's own program in Python sorts and splits it: counts, and the
 * first 16 hexadecimal digits of the SHA-256 of the sorted file names joined by line breaks.
 */
export const FOLDER_COUNTS = {
  spam: 1087,
  talk: 1030,
  linux: 929,
  filter: 562,
  news: 507,
  mail: 224,
  odd: 129,
};

export const FOLDER_SPLITS = [
  {
    systems: "c63fddaaf99d60f3",
    press: "8c20322926d82058",
    filters: "8db3c487203c083f",
    test: "da0b663b13e9e391",
  },
  {
    systems: "43734c5d0fdc1469",
    press: "063e3fdb945ada89",
    filters: "dbd59fdb583a07e8",
    test: "66663b66cc576cf7",
  },
  {
    systems: "979cc6419980a44a",
    press: "3bc61a578bc99156",
    filters: "f07b91f6028c507c",
    test: "3c04cab79b5e7dd3",
  },
];
