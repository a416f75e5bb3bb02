import { expect, test } from "vitest";
import { filesUnder, text } from "./manifests.ts";
import { blocksOf } from "./markdown.ts";

// A recipe that stands in no application is one that nobody ran
test("the code of docs/frameworks.md stands in the applications of test/frameworks, as it is", () => {
  const applications = filesUnder("test/frameworks", ".ts", ".tsx")
    .filter((file) => !/node_modules|\/\.|site\//.test(file))
    .map(text);
  const recipes = blocksOf("docs/frameworks.md").filter(({ mark }) => mark !== "");
  expect(recipes.length).toBeGreaterThan(5);
  expect(
    recipes.filter(({ code }) => !applications.some((application) => application.includes(code))).map(({ at }) => at),
  ).toEqual([]);
});
