import { barChart, lineChart } from "@bulkhead/console";
import { expect, test } from "vitest";

test("a line chart puts each value on the line of its height", () => {
  const text = lineChart([{ name: "federated", values: [0, 1, 2] }], {
    height: 2,
    digits: 0,
    colours: false,
  });
  expect(text).toBe(["federated", "        2 ┼ ╭", "        1 ┤╭╯", "        0 ┼╯"].join("\n"));
});

test("several series share one scale, with colours in one chart, without them in one each", () => {
  const series = [
    { name: "alone", values: [0, 0] },
    { name: "federated", values: [2, 2] },
  ];
  const apart = lineChart(series, { height: 2, digits: 0, colours: false });
  expect(apart.match(/^ +2 /gmu)).toHaveLength(2);
  expect(apart.match(/^ +0 /gmu)).toHaveLength(2);
  const together = lineChart(series, { height: 2, digits: 0, colours: true });
  expect(together.match(/^ +2 /gmu)).toHaveLength(1);
  expect(together).toContain("── federated");
});

test("nothing to draw draws nothing, one value draws a level line", () => {
  expect(lineChart([])).toBe("");
  expect(lineChart([{ name: "x", values: [] }])).toBe("");
  expect(lineChart([{ name: "x", values: [3] }], { colours: false })).toContain("3.000");
});

test("bars are as long as their share of the longest, or of what was said to be most", () => {
  const lines = barChart([
    { name: "base", value: 1 },
    { name: "federated", value: 2 },
  ]).split("\n");
  expect(lines).toEqual([
    `base      ${"█".repeat(20)}${"░".repeat(20)} 1.000`,
    `federated ${"█".repeat(40)} 2.000`,
  ]);
  expect(barChart([{ name: "a", value: 0.5 }], 1, 1)).toBe(`a ${"█".repeat(20)}${"░".repeat(20)} 0.5`);
  expect(barChart([{ name: "a", value: 0 }])).toBe(`a ${"░".repeat(40)} 0.000`);
});
