/**
 * The one stylesheet of the site: paper and ink by day, the same inn at night. System fonts only, nothing is fetched
 * from elsewhere.
 */
export const style = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#f6f1e7, #10171c);
  --card: light-dark(#fffdf8, #182229);
  --ink: light-dark(#22303a, #e8e2d4);
  --soft: light-dark(#5b6871, #a3aeb3);
  --line: light-dark(#e2d8c6, #2a373f);
  --accent: light-dark(#a64a22, #f0a070);
  --on-accent: light-dark(#fffdf8, #1c1410);
  --tint: light-dark(#f3d9c3, #4a3326);
  --pine: light-dark(#2d6152, #8fcab5);
  --pine-tint: light-dark(#e3eee6, #1d3330);
  --sky: light-dark(#f8e3c8, #152432);
  --sky-low: light-dark(#fbf1e0, #2b3c4c);
  --sun: light-dark(#f0a868, #f4ead2);
  --bite: light-dark(transparent, #192937);
  --far: light-dark(#c5d3c6, #26394a);
  --middle: light-dark(#93b3a2, #1d2f3b);
  --halo: light-dark(#f0a86830, #f4ead212);
  --near: light-dark(#5d8b78, #15232b);
  --tree: light-dark(#3f6b5a, #0e1a1f);
  --road: light-dark(#f1e3ca, #33414a);
  --wall: light-dark(#fff6e6, #4a4f4f);
  --roof: light-dark(#a64a22, #6d3a26);
  --glow: light-dark(#7d9aa4, #ffcf7d);
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "URW Palladio L", P052, "Source Serif 4", Georgia, "Liberation Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
*, ::before, ::after { box-sizing: border-box; }
html { scroll-padding-top: 40vh; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 var(--sans);
  display: grid; grid-template-rows: auto 1fr auto; min-height: 100vh;
}
h1, h2, h3, p, ul, ol, dl, dd { margin: 0; padding: 0; }
h1, h2, h3, .brand { font-family: var(--serif); font-weight: 600; line-height: 1.15; text-wrap: balance; }
h2 { font-size: 1.4rem; margin-bottom: 1rem; }
h3 { font-size: 1.1rem; }
ul, ol { list-style: none; }
a { color: inherit; }
code { font: .9em ui-monospace, "SF Mono", "Cascadia Mono", Menlo, "Liberation Mono", monospace; }
.quiet, small { color: var(--soft); font-size: .9rem; }
.price, b { font-variant-numeric: tabular-nums; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.skip { position: absolute; left: 1rem; top: -4rem; z-index: 3; padding: .5rem 1rem; background: var(--card); border-radius: 0 0 8px 8px; }
.skip:focus { top: 0; }

.top { position: sticky; top: 0; z-index: 2; background: var(--paper); border-bottom: 1px solid var(--line); }
.bar, main, .foot { width: 100%; max-width: 70rem; margin: 0 auto; padding-inline: clamp(1rem, 4vw, 2rem); }
.bar { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: .25rem 1rem; min-height: 4rem; }
.brand { display: flex; align-items: center; gap: .5rem; font-size: 1.35rem; text-decoration: none; }
.key { width: 2rem; height: 2rem; flex: none; fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.key .bow { fill: var(--tint); }
nav { display: flex; align-items: center; gap: clamp(.25rem, 2vw, 1rem); }
nav a { padding: .4rem .6rem; border-radius: 8px; text-decoration: none; }
nav a:hover { background: var(--line); }
nav [aria-current] { color: var(--accent); font-weight: 600; }
nav .count { border: 1px solid var(--line); background: var(--card); }
.count b { color: var(--accent); margin-left: .15rem; }
.notice { padding: .6rem clamp(1rem, 4vw, 2rem); background: var(--pine-tint); color: var(--pine); text-align: center; animation: arrive .35s ease-out; }
@keyframes arrive { from { opacity: 0; transform: translateY(-.5rem); } }

main { padding-block: clamp(1rem, 3vw, 2rem) 3rem; }
.hero {
  position: relative; overflow: hidden; border-radius: 18px; margin-bottom: clamp(1.5rem, 4vw, 2.5rem); min-height: clamp(20rem, 33vw, 23rem);
  background: linear-gradient(var(--sky), var(--sky-low)); border: 1px solid var(--line);
}
.words { position: relative; max-width: 37rem; padding: clamp(1.4rem, 4vw, 2.5rem); }
h1 { font-size: clamp(2rem, 5vw, 3.1rem); letter-spacing: -.015em; margin-bottom: .75rem; overflow-wrap: anywhere; }
.words p { max-width: 31rem; font-size: 1.08rem; text-wrap: pretty; }
.scene { position: absolute; inset: auto 0 0; width: 100%; height: 60%; min-height: 11rem; overflow: visible; }
.stars { fill: var(--glow); opacity: .8; }
.sun { fill: var(--sun); } .halo { fill: var(--halo); } .bite { fill: var(--bite); }
.far { fill: var(--far); } .middle { fill: var(--middle); } .near { fill: var(--near); } .road { fill: none; stroke: var(--road); stroke-width: 7; }
.trees { fill: var(--tree); } .wall { fill: var(--wall); } .roof { fill: var(--roof); } .door { fill: var(--roof); } .window { fill: var(--glow); }
.bars { fill: none; stroke: var(--wall); stroke-width: 1.5; }
.smoke { fill: none; stroke: var(--wall); stroke-width: 4; stroke-linecap: round; opacity: .7; }
@media (prefers-color-scheme: light) { .stars { display: none; } }

.columns { display: grid; grid-template-columns: minmax(0, 1fr) 21rem; gap: 2.5rem; align-items: start; }
aside { display: grid; gap: 1.25rem; }
.goods { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }
.goods li, .panel, .keys li { background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.goods li { display: grid; grid-template-rows: auto auto 1fr auto; gap: .2rem; padding: 1.1rem; }
.goods li > p { color: var(--soft); font-size: .92rem; text-wrap: pretty; }
.goods li:target { border-color: var(--pine); box-shadow: 0 0 0 1px var(--pine); }
.mark { width: 4rem; height: 4rem; margin: 0 0 .6rem -.3rem; fill: none; stroke: var(--pine); stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.mark .t { fill: var(--pine-tint); stroke: none; }
.buy { display: flex; justify-content: space-between; align-items: center; margin-top: .8rem; }
.panel { padding: 1.3rem; }
.panel h2 { font-size: 1.2rem; margin-bottom: .7rem; }
.slim { background: none; border-style: dashed; }

button, .button {
  font: inherit; font-weight: 600; cursor: pointer; padding: .45rem 1rem; min-height: 2.5rem; border-radius: 10px; border: 1px solid var(--accent);
  background: transparent; color: var(--accent); text-decoration: none; text-align: center; transition: background .15s, color .15s;
}
button:hover, .button { background: var(--accent); color: var(--on-accent); }
.button:hover { filter: brightness(1.08); }
button:active { transform: translateY(1px); }
.wide { width: 100%; }
button.small { min-width: 2.1rem; min-height: 2.1rem; padding: 0; line-height: 1; border-color: var(--line); border-radius: 8px; }
.lines li { display: grid; grid-template-columns: 1fr auto 4.7rem; align-items: center; gap: .6rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
.many { display: flex; align-items: center; gap: .25rem; }
.many b { min-width: 1.9em; text-align: center; }
.lines .price { text-align: right; }
.total { display: flex; justify-content: space-between; padding: .9rem 0; font-size: 1.05rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin-bottom: .7rem; font-size: .92rem; }
dt { color: var(--soft); }
dd { text-align: right; }

.arrival { display: grid; grid-template-columns: minmax(0, 1fr) 24rem; gap: 1.25rem; align-items: stretch; }
.desk { display: grid; align-content: center; gap: 1.2rem; padding: clamp(1.3rem, 3vw, 1.9rem); margin-bottom: clamp(1.5rem, 4vw, 2.5rem); }
.field { display: grid; gap: .35rem; }
.field label { font-weight: 600; }
.field input {
  font: inherit; width: 100%; padding: .65rem .8rem; border-radius: 10px; border: 1px solid var(--soft); background: var(--paper); color: var(--ink);
}
.check { display: grid; grid-template-columns: auto 1fr; gap: .7rem; align-items: start; }
.check input { width: 1.2rem; height: 1.2rem; margin: .2rem 0 0; accent-color: var(--accent); }
.check small { display: block; }
.keys { display: grid; gap: .9rem; margin-bottom: 1.2rem; }
.keys li { display: grid; grid-template-columns: auto 1fr auto; gap: 1rem; align-items: center; padding: 1.1rem 1.2rem; }
.keys p { color: var(--soft); font-size: .92rem; }
.keys p b { color: var(--pine); font-weight: 600; }
.here { border-color: var(--pine); }
.keys li:not(.here) .key { stroke: var(--soft); } .keys li:not(.here) .bow { fill: none; }
.visits li { display: flex; justify-content: space-between; gap: 1rem; padding: .35rem 0; border-bottom: 1px solid var(--line); }
.visits time { color: var(--soft); font-size: .9rem; }
.visits { margin-bottom: .7rem; }
.onward { text-align: center; margin-bottom: 1.25rem; }
.onward .button { display: inline-block; }
.foot { padding-block: 1.4rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; text-align: center; }

@media (max-width: 60rem) {
  .columns, .arrival { grid-template-columns: minmax(0, 1fr); }
  .arrival .hero { margin-bottom: 0; }
}
@media (max-width: 34rem) {
  .bar { padding-block: .4rem; column-gap: .5rem; }
  .brand { font-size: 1.15rem; gap: .3rem; }
  nav { gap: .15rem; }
  nav a { padding: .4rem .45rem; font-size: .95rem; }
  .stars { display: none; }
  .hero { min-height: 23rem; }
  .goods li { grid-template-columns: 4rem 1fr; grid-template-rows: auto 1fr auto; column-gap: .9rem; }
  .goods .mark { grid-row: 1 / span 3; margin: 0; }
  .goods .buy { grid-column: 2; margin-top: .4rem; }
  .keys li { grid-template-columns: auto 1fr; }
  .keys form { grid-column: 2; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
`;
