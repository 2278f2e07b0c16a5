import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { configurationPage } from "../../../scripts/configuration-page.ts";

it("the configuration page says what the option tables say (`npm run docs` writes it)", () => {
  expect(readFileSync(new URL("../../../docs/reference/configuration.md", import.meta.url), "utf8")).toBe(configurationPage());
});
