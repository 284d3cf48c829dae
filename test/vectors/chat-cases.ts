/** Conversations as Python's transformers 5.24.0 renders them; `test/interop/chat_vectors.py` wrote the file. */
import fs from "node:fs";
import path from "node:path";
import type { ChatMessage } from "@bulkhead/finetune";

interface ChatCases {
  readonly tokens: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
  readonly conversations: readonly (readonly ChatMessage[])[];
  readonly cases: readonly {
    readonly template: string;
    readonly conversation: number;
    readonly prompt: boolean;
    readonly text: string | { readonly refused: string };
  }[];
}

export const CHAT_CASES: ChatCases = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, "chat-cases.json"), "utf8"),
);
