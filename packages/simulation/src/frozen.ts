/** Makes plain data unchangeable all the way down, so that a machine which mutates its state fails where it does it. */
import { Secret } from "@bulkhead/base";

const done = new WeakSet<object>();

/** Gives `value` itself. Bytes cannot be frozen and secrets are wiped on purpose: both stay as they are. */
export const frozen = <T>(value: T): T => {
  if (typeof value !== "object" || value === null || done.has(value)) return value;
  if (ArrayBuffer.isView(value) || value instanceof Secret) return value;
  done.add(value);
  for (const part of partsOf(value)) frozen(part);
  if (value instanceof Map || value instanceof Set) closeCollection(value);
  Object.freeze(value);
  return value;
};

const partsOf = (value: object): Iterable<unknown> => {
  if (value instanceof Map) return [...value].flat();
  return value instanceof Set ? value : Object.values(value);
};

/** `Object.freeze` does not reach what a map or set holds. */
const closeCollection = (collection: object): void => {
  const refuse = () => {
    throw new TypeError("a state that is frozen does not change");
  };
  for (const method of ["set", "add", "delete", "clear"])
    if (method in collection) Object.defineProperty(collection, method, { value: refuse });
};
