import { test } from "vitest";
import { BASE_DECODERS, meet } from "./decoders.ts";

test.each(BASE_DECODERS)("$name takes any bytes as one value or refuses them", (decoder) => {
  meet(decoder, 1000);
});
