/**
 * The numbers that every command ends with, and which error ends with which. A scheduler reads them: 1 and 4 may be
 * tried again as they are, 2 and 3 want a person first, 5 wants the same command once more.
 * Documented in docs/exit-codes.md.
 */
export const EXIT = {
  /** All was done. */
  done: 0,
  /** It failed, for a reason outside what was asked: a full disk, a taken port, a round that ended void, a bug. */
  failed: 1,
  /** What was given has to change first: options, config, data, model, identity, passphrase. */
  usage: 2,
  /** A contract, a policy or the protocol's rules forbid it. */
  refused: 3,
  /** The other side could not be reached, or did not let us in. */
  unreachable: 4,
  /** Stopped by a signal with all progress saved: the same command goes on from there. */
  interrupted: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The first part of an error's code (`config` of `config-unknown-key`) decides. */
export const EXIT_OF_ERROR: Readonly<Record<string, ExitCode>> = {
  usage: EXIT.usage,
  config: EXIT.usage,
  data: EXIT.usage,
  model: EXIT.usage,
  identity: EXIT.usage,
  passphrase: EXIT.usage,
  path: EXIT.usage,
  file: EXIT.usage,
  contract: EXIT.refused,
  policy: EXIT.refused,
  peer: EXIT.refused,
  abort: EXIT.refused,
  link: EXIT.unreachable,
  tls: EXIT.unreachable,
  coordinator: EXIT.unreachable,
  interrupted: EXIT.interrupted,
};

/** Codes that no line of {@link EXIT_OF_ERROR} names are failures. */
export const exitCodeOf = (errorCode: string): ExitCode => {
  const family = errorCode.split("-", 1)[0] ?? "";
  return Object.hasOwn(EXIT_OF_ERROR, family) ? EXIT_OF_ERROR[family]! : EXIT.failed;
};
