import { describe } from "vitest";
import { gradientCases } from "./gradient-cases.ts";

describe.each(["cpu", "wasm"] as const)("a classifier on %s", (backend) => gradientCases(backend));
