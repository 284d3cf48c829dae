import { utf8, utf8ToText } from "@bulkhead/base";
import type { JournalCodec } from "@bulkhead/store";

export const textCodec: JournalCodec<string> = { encode: utf8, decode: utf8ToText };
