import { test } from "vitest";
import { meetMany } from "../base/meet-many.ts";
import { CONTRACT_DECODERS, PROTOCOL_DECODERS } from "../protocol/decoders.ts";

test.each([...PROTOCOL_DECODERS, ...CONTRACT_DECODERS])(
  "$name holds its law for 10,000 inputs",
  (decoder) => {
    meetMany(decoder, 10_000);
  },
);
