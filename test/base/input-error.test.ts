import { InputError } from "@bulkhead/base";
import { expect, test } from "vitest";

test("an input error is one line that names place, problem and cure, and keeps its parts", () => {
  const parts = {
    code: "port-taken",
    place: "site.yaml:3:5",
    problem: "port 80 is taken",
    cure: "choose another",
  };
  const error = new InputError(parts);
  expect(error.message).toBe("site.yaml:3:5: port 80 is taken (choose another)");
  expect(error.name).toBe("InputError");
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject(parts);
});
