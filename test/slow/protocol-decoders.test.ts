import { test } from "vitest";
import { meet } from "../base/decoders.ts";
import { CONTRACT_DECODERS, PROTOCOL_DECODERS } from "../protocol/decoders.ts";

test.each([...PROTOCOL_DECODERS, ...CONTRACT_DECODERS])(
  "$name holds its law for 100,000 inputs",
  (decoder) => {
    meet(decoder, 100_000);
  },
);
