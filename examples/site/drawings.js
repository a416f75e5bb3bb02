import { html } from "./html.js";

/** A session is the key to a room, and the desk keeps the book. */
export const key = html`<svg class="key" viewBox="0 0 32 32" aria-hidden="true">
  <circle class="bow" cx="11" cy="11" r="7.5"/><circle cx="9.5" cy="9.5" r="1.6"/><path d="m16.5 16.5 11 11M22 22l3.5-3.5M25.5 25.5l2.5-2.5"/>
</svg>`;

/** An inn under the hills: by day in the light theme, by night in the dark one. The stylesheet has the colours. */
export const scene = html`<svg class="scene" viewBox="0 0 1200 280" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
  <g class="stars">
    <circle cx="690" cy="4" r="1.4"/><circle cx="742" cy="62" r="1.2"/><circle cx="790" cy="-24" r="1.6"/><circle cx="836" cy="34" r="1.1"/><circle cx="872" cy="-52" r="1.3"/>
    <circle cx="948" cy="-8" r="1.2"/><circle cx="1018" cy="-40" r="1.7"/><circle cx="1052" cy="42" r="1.3"/><circle cx="1096" cy="108" r="1.1"/><circle cx="1128" cy="-12" r="1.5"/>
    <circle cx="1160" cy="66" r="1.2"/><circle cx="610" cy="92" r="1.1"/><circle cx="470" cy="116" r="1.2"/><circle cx="120" cy="118" r="1.3"/>
  </g>
  <circle class="halo" cx="940" cy="96" r="66"/>
  <circle class="sun" cx="940" cy="96" r="38"/>
  <circle class="bite" cx="956" cy="86" r="33"/>
  <path class="far" d="M0 196c90-28 150-76 250-72 90 4 140 62 230 54 100-9 150-92 262-86 120 6 190 92 290 84 70-6 110-40 168-46v150H0z"/>
  <path class="middle" d="M0 226c120-40 210-58 330-40 130 20 180 44 320 28 150-18 220-66 350-46 90 14 140 40 200 38v74H0z"/>
  <path class="near" d="M0 252c160-30 300-30 470-14 180 16 300 10 430-10 120-18 220-14 300 2v50H0z"/>
  <path class="road" d="M486 280c30-14 96-16 112-26 12-8-30-10-22-17"/>
  <g class="trees">
    <path d="m380 241 15-46 15 46zM404 243l12-36 12 36zM700 243l13-40 13 40zM722 242l17-52 17 52zM752 241l11-32 11 32zM170 246l12-36 12 36zM190 245l16-48 16 48zM1064 230l13-40 13 40zM1084 230l10-30 10 30z"/>
  </g>
  <g class="inn">
    <path class="smoke" d="M617 176c-7-9 8-12 1-22s10-12 3-24"/>
    <path class="wall" d="M540 204h104v36H540z"/><path class="wall" d="M612 178h9v20h-9z"/>
    <path class="roof" d="m530 207 24-29h76l24 29z"/>
    <path class="door" d="M583 218h16v22h-16z"/>
    <path class="window" d="M551 214h17v13h-17zM614 214h17v13h-17z"/>
    <path class="bars" d="M559.5 214v13M551 220.5h17M622.5 214v13M614 220.5h17"/>
  </g>
</svg>`;

/** The same key where the stylesheet does not reach: in pictures of their own. */
export const favicon = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#b4532a" stroke-width="2.5" stroke-linecap="round"><circle fill="#b4532a" fill-opacity=".25" cx="11" cy="11" r="7.5"/><path d="m16.5 16.5 11 11M22 22l3.5-3.5M25.5 25.5l2.5-2.5"/></svg>`;

/** A key that hangs on its hook again. */
export const returnedKey = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 64" fill="none" stroke="#b4532a" stroke-width="2.5" stroke-linecap="round"><path d="M8 4h32M24 4v8a3 3 0 0 0 6 0"/><circle fill="#b4532a" fill-opacity=".25" cx="24" cy="25" r="9"/><circle cx="24" cy="20.5" r="2"/><path d="M24 34v25M24 50h6M24 57h8"/></svg>`;
