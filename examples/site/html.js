/**
 * Templates that escape by default: whatever is put between `${` and `}` is text, unless it came from `html` itself.
 * Only put values between tags or inside quoted attributes; inside a script, a style or an unquoted attribute no
 * escaping is safe.
 */

/** Text that is markup already. A class, so that nothing that arrived as JSON or as a form field can pass for it. */
export class Markup {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/**
 * @param {TemplateStringsArray} strings
 * @param {...unknown} values Markup goes in as it is, arrays item by item; `undefined`, `null` and `false` are nothing.
 * @returns {Markup}
 */
export function html(strings, ...values) {
  return new Markup(strings.reduce((text, string, i) => text + render(values[i - 1]) + string));
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function render(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join("");
  if (value === undefined || value === null || value === false) return "";
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
