/** `model generate`: an answer as the model writes it, token by token, with or without an adapter. */
import { bytesToHex, utf8 } from "@bulkhead/base";
import { type BackendPreference, openBackend, type TensorFlow } from "@bulkhead/compute";
import { EXIT, printable } from "@bulkhead/console";
import { randomBytes, sha256 } from "@bulkhead/crypto";
import {
  adaptModel,
  type BaseModel,
  generate as generateTokens,
  loadModel,
  type LoadedModel,
  openBaseModel,
  promptOf,
  readAdapterFolder,
  type Speaker,
  type TextTokenizer,
} from "@bulkhead/finetune";

export interface GenerateFlags {
  readonly model: string;
  readonly adapter?: string;
  readonly prompt: string;
  readonly system?: string;
  readonly plain?: true;
  readonly tokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed?: string;
  readonly backend: BackendPreference;
  readonly json?: true;
}

export const generate = async (flags: GenerateFlags): Promise<number> => {
  const base = await openBaseModel(flags.model);
  try {
    const tokenizer = await base.openTokenizer();
    const prompt = promptOf(tokenizer, flags);
    const { tf, notice } = await openBackend(flags.backend);
    if (notice !== undefined) process.stderr.write(`${printable(notice)}\n`);
    const loaded = await loadModel(tf, base.shape, "language-model", base.tensor);
    const speaker = await speakerOf(tf, base, loaded, flags.adapter);
    await speak(tf, { speaker, tokenizer, prompt, flags });
    loaded.dispose();
    return EXIT.done;
  } finally {
    await base.close();
  }
};

const speakerOf = async (
  tf: TensorFlow,
  base: BaseModel,
  model: LoadedModel,
  folder: string | undefined,
): Promise<Speaker> => {
  if (folder === undefined) return { model };
  const { plan, trained } = await readAdapterFolder(folder, base);
  return { adapted: adaptModel(tf, model, plan), parameters: trained };
};

interface Speech {
  readonly speaker: Speaker;
  readonly tokenizer: TextTokenizer;
  readonly prompt: ReturnType<typeof promptOf>;
  readonly flags: GenerateFlags;
}

const speak = async (tf: TensorFlow, { speaker, tokenizer, prompt, flags }: Speech): Promise<void> => {
  const seed = flags.seed ?? bytesToHex(randomBytes(8));
  const written: number[] = [];
  const tell = teller(tokenizer, flags.json);
  const started = performance.now();
  let firstAt = started;
  const ids = await generateTokens(tf, speaker, prompt.ids, {
    mostTokens: flags.tokens,
    temperature: flags.temperature,
    topP: flags.topP,
    stop: prompt.stop,
    seed: sha256(utf8(seed)),
    onToken: (id) => {
      if (written.length === 0) firstAt = performance.now();
      written.push(id);
      tell(written);
    },
  });
  const seconds = (performance.now() - firstAt) / 1000;
  const speed = ids.length < 2 ? 0 : (ids.length - 1) / seconds;
  const facts = {
    prompt: prompt.ids.length,
    tokens: ids.length,
    ended: ids.length < flags.tokens,
    firstTokenSeconds: (firstAt - started) / 1000,
    tokensPerSecond: speed,
    ...(flags.temperature === 0 ? {} : { seed }),
  };
  if (flags.json) process.stdout.write(`${JSON.stringify({ text: tokenizer.decode(ids), ids, ...facts })}\n`);
  else
    process.stderr.write(
      `\n${facts.prompt} tokens read, ${facts.tokens} written, ${speed.toFixed(1)} a second${"seed" in facts ? `, --seed ${seed}` : ""}\n`,
    );
};

/** Writes what of the text is sure: a character may take several tokens. */
const teller = (tokenizer: TextTokenizer, json: true | undefined): ((ids: readonly number[]) => void) => {
  let told = 0;
  return (ids) => {
    if (json) return;
    const text = tokenizer.decode(ids).replace(/\uFFFD+$/u, "");
    process.stdout.write(text.slice(told).split("\n").map(printable).join("\n"));
    told = Math.max(told, text.length);
  };
};
