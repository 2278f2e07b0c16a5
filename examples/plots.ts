// Plots of the examples as SVG files. The library draws into a document, and outside a browser it is given one; a plot with a title or
// legends is several drawings in a figure, which are put below one another in one file.

import { writeFile } from "node:fs/promises";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

export { Plot };

const SVG = "http://www.w3.org/2000/svg";
const TITLE_HEIGHT = 28;
const MARGIN = 8;

/**
 * The SVG text of a plot.
 *
 * @param options as the library's; a colour legend needs a scale with steps, since a continuous one is painted on a canvas
 */
export function drawSvg({ title, ...options }: Plot.PlotOptions & { title?: string }): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const figure = Plot.plot({ ...options, document: document as never }) as unknown as ReturnType<typeof document.createElement>;
  const drawings = figure.tagName.toLowerCase() === "svg" ? [figure] : [...figure.querySelectorAll("svg")];
  const sheet = document.createElementNS(SVG, "svg");
  let [width, top] = [0, MARGIN];
  if (title !== undefined) {
    const text = document.createElementNS(SVG, "text");
    for (const [name, value] of Object.entries({ x: 2 * MARGIN, y: top + 16, "font-size": 16, "font-family": "system-ui, sans-serif" }))
      text.setAttribute(name, String(value));
    text.textContent = title;
    sheet.append(text);
    top += TITLE_HEIGHT;
  }
  for (const drawing of drawings) {
    drawing.setAttribute("x", String(MARGIN));
    drawing.setAttribute("y", String(top));
    sheet.append(drawing as never);
    width = Math.max(width, Number(drawing.getAttribute("width")) + 2 * MARGIN);
    top += Number(drawing.getAttribute("height")) + MARGIN;
  }
  for (const [name, value] of Object.entries({ xmlns: SVG, width, height: top, viewBox: `0 0 ${width} ${top}`, style: "background: white" }))
    sheet.setAttribute(name, String(value));
  // A tenth of a pixel is enough, and makes files half as large.
  return (sheet.outerHTML as string).replaceAll(/ (?:d|x|y|cx|cy|width|height)="[^"]+"/g, (places: string) =>
    places.replaceAll(/\d+\.\d+/g, (place) => String(Number(Number(place).toFixed(1)))),
  );
}

/** Draws into a file, and gives its path. */
export async function plotInto(file: string, options: Plot.PlotOptions & { title?: string }): Promise<string> {
  await writeFile(file, `<?xml version="1.0" encoding="UTF-8"?>\n${drawSvg(options)}\n`);
  return file;
}
