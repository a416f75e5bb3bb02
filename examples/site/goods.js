import { html } from "./html.js";

/**
 * @typedef {object} Good
 * @property {string} name
 * @property {string} about
 * @property {number} cents
 * @property {import("./html.js").Markup} mark Drawn on a grid of 48; the stylesheet gives `.t` its tint.
 */

/**
 * What the shop has, by id. A Map, so that an id from a form is either in it or is nothing. @type {ReadonlyMap<string,
 * Good>}
 */
export const goods = new Map([
  [
    "map",
    {
      name: "Paper map",
      about: "Works without a signal.",
      cents: 900,
      mark: html`<path class="t" d="m7 13 11-4v27L7 40z"/><path class="t" d="m30 13 11-4v27l-11 4z"/>
        <path d="m7 13 11-4 12 4 11-4v27l-11 4-12-4-11 4zM18 9v27M30 13v27"/><path d="M23 21c3 0 2 6 5 6M11 30c2-2 3 0 4-2" stroke-dasharray="2 2.5"/>`,
    },
  ],
  [
    "cup",
    {
      name: "Tin cup",
      about: "Tea tastes of the place it is drunk in.",
      cents: 1400,
      mark: html`<path class="t" d="M11 19h21v15a5 5 0 0 1-5 5H16a5 5 0 0 1-5-5z"/>
        <path d="M10 19h23M11 19v15a5 5 0 0 0 5 5h11a5 5 0 0 0 5-5V19M32 23h4a4 4 0 0 1 4 4v2a4 4 0 0 1-4 4h-4M17 14c-2-3 2-4 0-7M25 14c-2-3 2-4 0-7"/>`,
    },
  ],
  [
    "lantern",
    {
      name: "Storm lantern",
      about: "Burns on when the door is opened.",
      cents: 3800,
      mark: html`<path class="t" d="M15 20h18l2 16H13z"/>
        <path d="M15 20h18l2 16H13zM18 20l2-5h8l2 5M11 36h26v5H11zM21 15a3.5 3.5 0 1 1 6 0M12 26C8 16 14 6 24 6s16 10 12 20"/><path d="M24 33c-4.5 0-4.5-4 0-8 4.5 4 4.5 8 0 8z"/>`,
    },
  ],
  [
    "blanket",
    {
      name: "Wool blanket",
      about: "Heavy enough to stay where it is put.",
      cents: 6400,
      mark: html`<path class="t" d="M8 25h32v12H8z"/><path d="M12 13h24a4 4 0 0 1 4 4v20H8V17a4 4 0 0 1 4-4zM8 25h32M8 31h32M14 37v4M20 37v4M28 37v4M34 37v4"/><path d="M16 19h16"/>`,
    },
  ],
  [
    "notebook",
    {
      name: "Field notebook",
      about: "For what no session should keep.",
      cents: 1200,
      mark: html`<path class="t" d="M12 8h6v32h-6z"/><path d="M14 8h20a2 2 0 0 1 2 2v28a2 2 0 0 1-2 2H14a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2zM18 8v32M23 16h8M23 22h8M23 28h5M9 14h5M9 24h5M9 34h5"/>`,
    },
  ],
  [
    "compass",
    {
      name: "Compass",
      about: "Knows the way, not the reason.",
      cents: 2700,
      mark: html`<circle class="t" cx="24" cy="26" r="15"/><circle cx="24" cy="26" r="15"/><path d="m30 20-4 8-8 4 4-8zM24 11V8M21 6h6v2h-6zM24 15v1M24 36v1M13 26h1M34 26h1"/>`,
    },
  ],
]);
