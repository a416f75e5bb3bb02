const row = 24;
const left = 290;
const width = 860;
const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * A bar chart as SVG that follows the reader's light or dark theme. `bars` are `{ label, value, text, ours, floor }`; with `log` each step of
 * the scale is ten times the one before, for peers that are a thousand times apart.
 */
export function barChart({ title, subtitle, bars, log = false }) {
  const height = 62 + bars.length * row;
  const largest = Math.max(...bars.map(({ value }) => value));
  const smallest = Math.min(...bars.map(({ value }) => value));
  const scale = (value) =>
    log ? (Math.log10(Math.max(value, smallest) / smallest) + 0.15) / (Math.log10(largest / smallest) + 0.15) : value / largest;
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
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.strong { font-weight: 600; }
.subtitle { fill: #59636e; }
.ours { fill: #0969da; }
.floor { fill: #1a7f37; }
.peer { fill: #9aa4af; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .subtitle { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .floor { fill: #3fb950; }
  .peer { fill: #656c76; }
}
</style>
<text class="title" x="0" y="18">${escaped(title)}</text>
<text class="subtitle" x="0" y="38">${escaped(subtitle)}</text>
${lines.join("\n")}
</svg>
`;
}
