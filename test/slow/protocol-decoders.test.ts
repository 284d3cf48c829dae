import { test } from "vitest";
import { CONTRACT_DECODERS, meetMany, PROTOCOL_DECODERS } from "../protocol/decoders.ts";

test.each([...PROTOCOL_DECODERS, ...CONTRACT_DECODERS])(
  "$name holds its law for 100,000 inputs",
  (decoder) => {
    meetMany(decoder, 100_000);
  },
);
