"use strict";
/* The page of changes: shows a pair of commits; every verdict stands in the data. The address holds the pair. */
const changes = (() => {
  let data = null;
  const $ = (selector) => document.querySelector(selector);
  const WIDTH = 96, HEIGHT = 20, SVG = "http://www.w3.org/2000/svg";

  function made(tag, kind, ...inside) {
    const found = document.createElement(tag);
    if (kind) found.className = kind;
    found.append(...inside);
    return found;
  }

  /* ---- which pair ---- */
  const place_of = (name) => name.length < 4 ? -1 : data.commits.findIndex((c) => c.hash.startsWith(name) || name.startsWith(c.short));

  function asked() {
    const query = new URLSearchParams(location.hash.slice(1)), last = data.commits.length - 1;
    const a = query.get("a"), b = query.get("b");
    return {a: a === null ? last - 1 : place_of(a), b: b === null ? last : place_of(b), names: [a, b]};
  }

  function go(a, b) {
    history.replaceState(null, "", `#a=${data.commits[a].short}&b=${data.commits[b].short}`);
    show();
  }

  function step(which) {
    const {a, b} = asked(), n = data.commits.length, by = which === "newer" ? 1 : -1;
    if (which === "swap") go(b, a);
    else if (Math.min(a, b) + by >= 0 && Math.max(a, b) + by < n) go(a + by, b + by);
  }

  /* ---- one value ---- */
  function ratio(pair, n) {
    const [a, b] = pair.files.map((side) => data.files[side][n]);
    return a && b && a[0] && b[0] !== null ? b[0] / a[0] - 1 : null;
  }

  const percent = (change) => `${change < 0 ? "-" : "+"}${change && Math.abs(change) < 0.0001 ? "under 0.01" : Math.abs(100 * change).toFixed(2)} %`;
  const with_code = (text) => text.split("`").map((part, n) => n % 2 ? made("code", "", part) : part);

  function spark(line, marks) {
    const known = line.filter((v) => v !== null), low = Math.min(...known), high = Math.max(...known);
    const at = (n) => [3 + (WIDTH - 6) * n / Math.max(line.length - 1, 1),
      HEIGHT - 3 - (HEIGHT - 6) * (high > low ? (line[n] - low) / (high - low) : 0.5)];
    const svg = document.createElementNS(SVG, "svg");
    for (const [key, value] of Object.entries({class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true"}))
      svg.setAttribute(key, value);
    const drawn = document.createElementNS(SVG, "polyline");
    drawn.setAttribute("points", line.map((v, n) => v === null ? "" : at(n).map((x) => x.toFixed(1)).join(",")).join(" "));
    svg.append(drawn);
    for (const n of marks.filter((n) => line[n] !== null)) {
      const dot = document.createElementNS(SVG, "circle"), [x, y] = at(n);
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", y);
      dot.setAttribute("r", 2.5);
      svg.append(dot);
    }
    return svg;
  }

  function row(pair, marks, n) {
    const key = data.keys[n], sides = pair.files.map((side) => data.files[side][n]), change = ratio(pair, n);
    const noise = key.exact ? "exact" : sides.filter(Boolean).map((side) => side[2] || "ran once").join(", ");
    const verdict = data.verdicts[pair.letters.charCodeAt(n) - 97];
    const name = made("th", "", key.params || key.name);
    name.scope = "row";
    const cells = [...sides.map((side) => side ? side[1] : "-"), change === null ? "-" : percent(change), noise];
    return made("tr", "", name, ...cells.map((cell) => made("td", "num", cell)), made("td", "", spark(data.line[n], marks)),
      made("td", data.classes[verdict] || "same", verdict));
  }

  /* ---- the view ---- */
  function grouped(rows, name) {
    const found = new Map();
    for (const n of rows) found.set(name(n), [...(found.get(name(n)) || []), n]);
    return [...found];
  }

  function summary(pair, series, rows, whys) {
    const found = rows.map((n) => ratio(pair, n)).filter((x) => x !== null);
    const span = found.length ? [...new Set([Math.min(...found), Math.max(...found)].map(percent))].join(" to ") : "";
    const named = whys.map((why, k) => rows.some((n) => (pair.why[n] || []).includes(why)) ? k + 1 : 0).filter(Boolean).join(", ");
    const says = [`${data.keys[rows[0]].up ? "higher" : "lower"} is better`, `${rows.length} value${rows.length === 1 ? "" : "s"}`, span, named && `why: ${named}`];
    return made("summary", "", made("code", "", series), " ", made("small", "", says.filter(Boolean).join("; ")));
  }

  function table(pair, marks, rows) {
    const heads = ["value", "A", "B", "change", "noise", "all commits", "verdict"].map((words) => {
      const head = made("th", "", words);
      head.scope = "col";
      return head;
    });
    const found = made("table", "", made("thead", "", made("tr", "", ...heads)), made("tbody", "", ...rows.map((n) => row(pair, marks, n))));
    const wide = made("div", "wide", found);
    wide.tabIndex = 0;
    wide.setAttribute("role", "group");
    wide.setAttribute("aria-label", "Table");
    return wide;
  }

  function group(pair, marks, [title, letters, kind]) {
    const rows = data.keys.map((_, n) => n).filter((n) => letters.includes(pair.letters[n]));
    if (!rows.length) return [];
    const section = made("section", kind, made("h2", "", `${title} `, made("small", "", String(rows.length))));
    const whys = [...new Set(rows.flatMap((n) => pair.why[n] || []))];
    if (whys.length) {
      const list = made("ol", "whys", ...whys.map((why) => made("li", "", ...with_code(data.whys[why]))));
      list.setAttribute("aria-label", "CHANGELOG says");
      section.append(list);
    }
    for (const [series, own] of grouped(rows, (n) => data.keys[n].series)) {
      const details = made("details", "", summary(pair, series, own, whys), table(pair, marks, own));
      details.open = rows.length <= data.most_open || kind === "worse";
      section.append(details);
    }
    return [section];
  }

  function show() {
    const {a, b, names} = asked();
    const unknown = [a, b].map((n, k) => n < 0 ? names[k] : null).filter((name) => name !== null);
    if (unknown.length || a === b) {
      const why = unknown.length ? `Nothing was measured of ${unknown.join(" and ")}; the lists above hold all commits that were.`
        : "A and B are the same commit; choose two.";
      $("#change").replaceChildren(made("p", "line same", why));
    } else {
      const pair = data.pairs[`${a}-${b}`];
      const line = made("p", `line ${data.classes[pair.kind]}`, made("span", "", data.signs[pair.kind]), ` ${pair.says}`);
      line.id = "line";
      $("#change").replaceChildren(line, ...data.groups.flatMap((one) => group(pair, [a, b], one)));
    }
    if (a >= 0) $("#pair").a.value = data.commits[a].short;
    if (b >= 0) $("#pair").b.value = data.commits[b].short;
    document.body.dataset.shown = location.hash;
  }

  return {
    data(found) { data = found; },
    start() {
      $("#pair").addEventListener("change", () => go(place_of($("#pair").a.value), place_of($("#pair").b.value)));
      $("#pair").addEventListener("submit", (event) => event.preventDefault());
      document.querySelectorAll("button[data-step]").forEach((b) => b.addEventListener("click", () => step(b.dataset.step)));
      window.addEventListener("hashchange", show);
      $("#change").setAttribute("aria-live", "polite");
      show();
    },
  };
})();
window.changes = changes;
document.addEventListener("DOMContentLoaded", () => changes.start());
