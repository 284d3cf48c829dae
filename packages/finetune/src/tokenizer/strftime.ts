/** Python's `strftime` in the C locale, for the directives that chat templates use. */

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const pad = (value: number, length = 2): string => String(value).padStart(length, "0");

const DIRECTIVES: ReadonlyMap<string, (date: Date) => string> = new Map<string, (date: Date) => string>([
  ["Y", (date) => pad(date.getUTCFullYear(), 4)],
  ["y", (date) => pad(date.getUTCFullYear() % 100)],
  ["m", (date) => pad(date.getUTCMonth() + 1)],
  ["d", (date) => pad(date.getUTCDate())],
  ["B", (date) => MONTHS[date.getUTCMonth()]!],
  ["b", (date) => MONTHS[date.getUTCMonth()]!.slice(0, 3)],
  ["A", (date) => DAYS[date.getUTCDay()]!],
  ["a", (date) => DAYS[date.getUTCDay()]!.slice(0, 3)],
  ["H", (date) => pad(date.getUTCHours())],
  ["M", (date) => pad(date.getUTCMinutes())],
  ["S", (date) => pad(date.getUTCSeconds())],
  ["%", () => "%"],
]);

/** In UTC. A directive that is not listed throws. */
export const strftime = (date: Date, format: string): string =>
  format.replaceAll(/%(.?)/gsu, (_, directive: string) => {
    const write = DIRECTIVES.get(directive);
    if (write === undefined) throw new Error(`strftime does not know %${directive}`);
    return write(date);
  });
