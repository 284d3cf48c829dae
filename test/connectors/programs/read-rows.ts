/** Reads a file as rows, or as examples, and prints what came of it and the most memory that the process took. */
import { InputError } from "@bulkhead/base";
import { openRows, readExamples } from "@bulkhead/connectors";

const [type, file, as] = process.argv.slice(2);
const source = openRows({ type: type === "csv" ? "csv" : "jsonl", paths: [file!] });

const readRows = async () => {
  let [good, bad] = [0, 0];
  let problem = "";
  for await (const row of source.rows())
    if (row.type === "row") good++;
    else {
      bad++;
      problem = row.problem;
    }
  return { good, bad, problem };
};

const readAsExamples = async () => {
  const { rows, cutCount } = await readExamples(source, {
    columns: { text: "text", label: "label" },
    labels: { integers: 2 },
    longestText: 600,
    badRowLimit: { count: 0 },
  });
  return { good: rows.length, cutCount };
};

const told = await (as === "examples" ? readAsExamples() : readRows()).catch((error: unknown) => {
  if (error instanceof InputError) return { refused: error.code, problem: error.problem };
  throw error;
});
console.log(JSON.stringify({ ...told, peakMiB: process.resourceUsage().maxRSS / 1024 }));
