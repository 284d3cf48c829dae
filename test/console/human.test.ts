import { humanBytes, humanSeconds } from "@bulkhead/console";
import { expect, test } from "vitest";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.00 KiB"],
  [75_284, "73.5 KiB"],
  [2 ** 20, "1.00 MiB"],
  [5 * 2 ** 40, "5.00 TiB"],
  [5 * 2 ** 50, "5120 TiB"],
])("%i bytes read as %s", (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});

test.each([
  [0.0421, "0.042 s"],
  [1.5, "1.50 s"],
  [12.34, "12.3 s"],
  [59.96, "1 min 00 s"],
  [125, "2 min 05 s"],
  [3599.6, "1 h 00 min"],
  [3780, "1 h 03 min"],
])("%f seconds read as %s", (seconds, text) => {
  expect(humanSeconds(seconds)).toBe(text);
});
