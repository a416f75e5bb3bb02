const row = 24;
const left = 330;
const width = 860;
const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * A bar chart as SVG that follows the reader's light or dark theme. `bars` are `{ label, value, text, ours, floor }`;
 * with `log` each step of the scale is ten times the one before, for peers that are a thousand times apart.
 */
export function barChart({ title, subtitle, bars, log = false }) {
  const height = 62 + bars.length * row;
  const largest = Math.max(...bars.map(({ value }) => value));
  const smallest = Math.min(...bars.map(({ value }) => value));
  const scale = (value) =>
    log
      ? (Math.log10(Math.max(value, smallest) / smallest) + 0.15) / (Math.log10(largest / smallest) + 0.15)
      : value / largest;
  const lines = bars.map(({ label, value, text, ours, floor }, index) => {
    const y = 56 + index * row;
    const length = Math.max(2, scale(value) * (width - left - 110));
    const kind = ours ? "ours" : floor ? "floor" : "peer";
    return (
      `<text class="label${ours ? " strong" : ""}" x="${left - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>` +
      `<rect class="${kind}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="16" rx="2"/>` +
      `<text class="value" x="${(left + length + 6).toFixed(1)}" y="${y + 12}">${escaped(text)}</text>`
    );
  });
  return picture({ title, subtitle, height, lines });
}

/**
 * A line chart in the same style, ours and the floor over what grows. `points` are `{ at, ours, theirs }`; with `log`
 * each step to the right is ten times the one before.
 */
export function lineChart({ title, subtitle, unit, points, log = false }) {
  const [top, bottom, from, to] = [64, 264, 60, width - 130];
  const place = log ? Math.log10 : (value) => value;
  const [first, last] = [log ? place(points[0].at) : 0, place(points.at(-1).at)];
  const x = (at) => from + ((place(at) - first) / (last - first)) * (to - from);
  const steps = ticks(Math.max(...points.flatMap(({ ours, theirs }) => [ours, theirs])));
  const y = (value) => bottom - (value / steps.at(-1)) * (bottom - top);
  const grid = steps.map(
    (step) =>
      `<line class="grid" x1="${from}" x2="${to}" y1="${y(step).toFixed(1)}" y2="${y(step).toFixed(1)}"/>` +
      `<text class="subtitle" x="${from - 8}" y="${(y(step) + 4).toFixed(1)}" text-anchor="end">${step.toLocaleString("en")}</text>`,
  );
  const below = roomy(points.map(({ at }) => ({ at, x: x(at) }))).map(
    ({ at, x: middle }) =>
      `<text class="subtitle" x="${middle.toFixed(1)}" y="${bottom + 20}" text-anchor="middle">${at.toLocaleString("en")}</text>`,
  );
  const ends = points.at(-1);
  const highest = Math.max(ends.ours, ends.theirs);
  const series = [
    { key: "theirs", name: "floor by hand", kind: "floor" },
    { key: "ours", name: "Sojourn", kind: "ours", strong: " strong" },
  ].map(({ key, name, kind, strong = "" }) => {
    const dots = points.map((point) => [x(point.at).toFixed(1), y(point[key]).toFixed(1)]);
    // The names stand at the ends of their lines, and keep apart where these meet
    const apart = ends[key] === highest ? 0 : Math.max(0, 18 - (y(ends[key]) - y(highest)));
    return (
      `<polyline class="${kind}" points="${dots.map((dot) => dot.join()).join(" ")}"/>` +
      dots.map(([cx, cy]) => `<circle class="${kind}" cx="${cx}" cy="${cy}" r="3"/>`).join("") +
      `<text class="label${strong}" x="${to + 12}" y="${(y(ends[key]) + 4 + apart).toFixed(1)}">${escaped(name)}</text>`
    );
  });
  const axis = `<text class="subtitle" x="${to}" y="${bottom + 40}" text-anchor="end">${escaped(log ? `${unit}, logarithmic scale` : unit)}</text>`;
  return picture({ title, subtitle, height: bottom + 52, lines: [...grid, ...below, axis, ...series] });
}

/** From 0 to the largest value or just above it, in at most six round steps. */
function ticks(largest) {
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [0.2, 0.25, 0.5, 1, 2].map((size) => size * power).find((size) => largest / size <= 6);
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => Number((index * step).toPrecision(3)));
}

/** The marks that have room for their text, the last one first. */
function roomy(marks) {
  const kept = [];
  for (const mark of marks.toReversed()) if (kept.length === 0 || kept.at(-1).x - mark.x > 44) kept.push(mark);
  return kept;
}

/** The frame that all charts share: the title, and the colours of both themes. */
function picture({ title, subtitle, height, lines }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.strong { font-weight: 600; }
.subtitle { fill: #59636e; }
.ours { color: #0969da; }
.floor { color: #1a7f37; }
.peer { color: #9aa4af; }
rect, circle { fill: currentColor; }
polyline { fill: none; stroke: currentColor; stroke-width: 2; }
.grid { stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .subtitle { fill: #9198a1; }
  .ours { color: #4493f8; }
  .floor { color: #3fb950; }
  .peer { color: #656c76; }
  .grid { stroke: #3d444d; }
}
</style>
<text class="title" x="0" y="18">${escaped(title)}</text>
<text class="subtitle" x="0" y="38">${escaped(subtitle)}</text>
${lines.join("\n")}
</svg>
`;
}
