import { utf8, utf8ToText } from "@bulkhead/base";
import { openArtefacts } from "@bulkhead/store";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

// FIPS 180-4, the example of one block.
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("an artefact is named by the SHA-256 of its bytes and comes back whole", async () => {
  const artefacts = await openArtefacts(join(freshFolder(), "artefacts"));
  expect(artefacts.has(ABC)).toBe(false);
  expect(await artefacts.put(utf8("abc"))).toBe(ABC);
  expect(artefacts.has(ABC)).toBe(true);
  expect(utf8ToText(await artefacts.get(ABC))).toBe("abc");
  expect(fs.readFileSync(artefacts.path(ABC), "utf8")).toBe("abc");
});

test("putting the same bytes again writes nothing", async () => {
  const artefacts = await openArtefacts(freshFolder());
  await artefacts.put(utf8("abc"));
  const before = fs.statSync(artefacts.path(ABC)).ino;
  await artefacts.put(utf8("abc"));
  expect(fs.statSync(artefacts.path(ABC)).ino).toBe(before);
});

test("an artefact that was altered is refused, and repaired by putting it again", async () => {
  const artefacts = await openArtefacts(freshFolder());
  await artefacts.put(utf8("abc"));
  fs.writeFileSync(artefacts.path(ABC), "abd");
  await expect(artefacts.get(ABC)).rejects.toMatchObject({
    code: "artefact-damaged",
    place: artefacts.path(ABC),
  });
  await artefacts.put(utf8("abc"));
  expect(utf8ToText(await artefacts.get(ABC))).toBe("abc");
});

test("an artefact that is missing is refused by its name", async () => {
  const artefacts = await openArtefacts(freshFolder());
  await expect(artefacts.get(ABC)).rejects.toMatchObject({
    code: "artefact-missing",
    place: artefacts.path(ABC),
  });
});

test("a name that is no digest never becomes a path", async () => {
  const artefacts = await openArtefacts(freshFolder());
  expect(() => artefacts.path("../../etc/passwd")).toThrow("SHA-256");
  await expect(artefacts.get(ABC.toUpperCase())).rejects.toThrow("SHA-256");
});
