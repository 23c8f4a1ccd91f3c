"use strict";
/* The explorer. State lives in the address; every control is a native one, so that a keyboard reaches it. */
const mmbench = (() => {
  const data = {index: null, runs: {}};
  const waiting = {};
  const $ = (selector) => document.querySelector(selector);
  const BASE = "v6.18";
  const HELPERS = ["reaper", "mrelease"];
  const sum = (object) => Object.values(object || {}).reduce((a, b) => a + b, 0);

  /* Measures: what is shown as bars; `high` sorts downwards, `neutral` is neither good nor bad. */
  const MEASURES = {
    all: {says: "time until all memory is free", of: (r) => r.all, show: time},
    skip: {says: "time to MMF_OOM_SKIP", of: (r) => r.skip, show: time},
    exit: {says: "exit blocked", of: (r) => sum(r.blocked.exit), show: time},
    helper: {says: "reaper and process_mrelease blocked", of: (r) => sum(HELPERS.map((h) => sum(r.blocked[h]))), show: time},
    freed: {says: "freed by a helper", of: (r) => sum(HELPERS.map((h) => r.freed[h] || 0)), show: permille, high: true, neutral: true},
    kills: {says: "further kills", of: (r) => r.kills, show: String},
  };

  function time(us) {
    if (us === null || us === undefined) return "never";
    if (us === 0) return "0 s";
    const [scale, unit] = us >= 999500 ? [1e6, "s"] : us >= 999.5 ? [1e3, "ms"] : [1, "\u00b5s"];
    const x = us / scale;
    return `${x.toFixed(x < 9.995 ? 2 : x < 99.95 ? 1 : 0)} ${unit}`;
  }

  function permille(n) { return `${(n / 10).toFixed(0)} %`; }

  /* ---- state <-> address ---- */
  const state = {scenario: "stuck-holder", size: "64GiB", locked: "90%", vmas: "1000", measure: "all", sort: "", designs: null};

  function read_address() {
    const query = new URLSearchParams(location.hash.slice(1));
    for (const key of ["scenario", "size", "locked", "vmas", "measure", "sort"])
      if (query.has(key)) state[key] = query.get(key);
    const known = data.index.designs.map((d) => d.id);
    const chosen = query.has("designs") ? query.get("designs").split(",").filter((id) => known.includes(id)) : known;
    state.designs = new Set(chosen.length ? chosen : known);
    const allowed = {
      scenario: Object.keys(data.index.scenarios), size: data.index.sizes, locked: data.index.locked,
      vmas: data.index.vmas, measure: Object.keys(MEASURES), sort: ["", ...Object.keys(MEASURES), "id"],
    };
    for (const [key, values] of Object.entries(allowed)) if (!values.includes(state[key])) state[key] = values[0];
  }

  function address() {
    const query = new URLSearchParams();
    for (const key of ["scenario", "size", "locked", "vmas", "measure"]) query.set(key, state[key]);
    if (state.sort) query.set("sort", state.sort);
    if (state.designs.size < data.index.designs.length) query.set("designs", [...state.designs].join(","));
    return `#${query}`;
  }

  /* ---- controls ---- */
  function option(select, value, text) {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = text;
    select.append(made);
  }

  function build_controls() {
    const form = $("#ask");
    for (const name of Object.keys(data.index.scenarios)) option(form.scenario, name, name);
    for (const key of ["size", "locked", "vmas"])
      for (const value of data.index[key === "size" ? "sizes" : key]) option(form[key], value, value);
    for (const [key, measure] of Object.entries(MEASURES)) option(form.measure, key, measure.says);
    for (const design of data.index.designs) {
      const label = document.createElement("label");
      const box = Object.assign(document.createElement("input"), {type: "checkbox", name: "design", value: design.id});
      label.append(box, ` ${design.id}`);
      label.title = `${design.title} (${design.status})`;
      $("#designs").append(label);
    }
    form.addEventListener("change", (event) => {
      const target = event.target;
      if (target.name === "design") target.checked ? state.designs.add(target.value) : state.designs.delete(target.value);
      else { state[target.name] = target.value; if (target.name === "measure") state.sort = ""; }
      history.replaceState(null, "", address());
      show();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("hashchange", () => { read_address(); show(); });
    document.querySelectorAll("button[data-save]").forEach((b) => b.addEventListener("click", () => save(b)));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    window.addEventListener("resize", () => chart && chart.setSize(chart_size()));
  }

  function show_controls() {
    const form = $("#ask");
    for (const key of ["scenario", "size", "locked", "vmas", "measure"]) form[key].value = state[key];
    form.querySelectorAll("[name=design]").forEach((box) => { box.checked = state.designs.has(box.value); });
  }

  /* ---- the view ---- */
  function load(scenario, then) {
    if (data.runs[scenario]) return then();
    if (waiting[scenario]) return void waiting[scenario].push(then);
    waiting[scenario] = [then];
    const script = document.createElement("script");
    script.src = `explore/${scenario}.js`;
    script.onerror = () => { $("#says").textContent = `The data of ${scenario} cannot be read; reload the page.`; };
    document.head.append(script);
  }

  function rows() {
    const found = data.runs[state.scenario][`${state.size}/${state.locked}/${state.vmas}`];
    return found.filter((row) => state.designs.has(row.id));
  }

  /* Sound designs first, then by the measure: a flawed one is never best at anything. */
  function ranked() {
    const key = state.sort || state.measure, measure = MEASURES[key];
    const value = (r) => { const v = key === "id" ? 0 : measure.of(r); return v === null ? Infinity : v; };
    const order = data.index.designs.map((d) => d.id);
    return rows().sort((a, b) => !!a.flaw - !!b.flaw
      || (key === "id" ? 0 : (measure.high ? value(b) - value(a) : value(a) - value(b)))
      || order.indexOf(a.id) - order.indexOf(b.id));
  }

  function cell(tag, text, kind) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function show_bars() {
    const measure = MEASURES[state.measure], found = ranked();
    const values = found.map((r) => measure.of(r) || 0), most = Math.max(...values, 1);
    const base = found.find((r) => r.id === BASE), base_value = base && measure.of(base);
    const head = document.createElement("tr");
    const columns = [["id", "design"], ["", ""], [state.measure, measure.says], ...Object.entries(MEASURES)
      .filter(([key]) => key !== state.measure && key !== "kills").map(([key, m]) => [key, m.says]), ["", "what went wrong"]];
    for (const [key, text] of columns) {
      const made = document.createElement("th");
      made.scope = "col";
      if (key) {
        const button = cell("button", text);
        button.type = "button";
        button.dataset.key = key;
        button.addEventListener("click", () => { state.sort = key; history.replaceState(null, "", address()); show(); });
        made.append(button);
        if ((state.sort || state.measure) === key) made.setAttribute("aria-sort", MEASURES[key] && MEASURES[key].high ? "descending" : "ascending");
      } else made.textContent = text;
      head.append(made);
    }
    const focused = document.activeElement && document.activeElement.dataset.key;
    $("#bars thead").replaceChildren(head);
    if (focused) $(`#bars thead button[data-key="${focused}"]`)?.focus(); /* the heading that a key chose */
    $("#bars tbody").replaceChildren(...found.map((row, k) => {
      const made = document.createElement("tr");
      made.className = row.flaw ? "flawed" : row.id === BASE ? "base" : "sound";
      const name = document.createElement("th");
      name.scope = "row";
      const link = cell("a", row.id);
      link.href = `designs/${row.id}.html`;
      name.append(link);
      const bar = document.createElement("td"), filled = document.createElement("span");
      bar.className = "bar";
      filled.style.width = `${100 * values[k] / most}%`;
      bar.append(filled);
      const value = measure.of(row);
      const ratio = base_value && value !== null ? `, ${(value / base_value).toFixed(2)}x of ${BASE}` : "";
      made.append(name, bar, cell("td", measure.show(value) + ratio, "num"));
      for (const [key] of columns.slice(3, -1)) {
        const early = key === "skip" && row.skip_means && row.skip_means !== "memory back" ? ` (${row.skip_means})` : "";
        made.append(cell("td", MEASURES[key].show(MEASURES[key].of(row)) + early, "num more"));
      }
      made.append(cell("td", row.wrong, "flaw"));
      return made;
    }));
    say(found);
  }

  function say(found) {
    const measure = MEASURES[state.measure], sound = found.filter((r) => !r.flaw), wrong = found.filter((r) => r.flaw);
    const best = measure.of && [...sound].sort((a, b) => (measure.high ? -1 : 1) * ((measure.of(a) ?? Infinity) - (measure.of(b) ?? Infinity)))[0];
    const scenario = data.index.scenarios[state.scenario];
    const parts = [`${scenario[0].toUpperCase()}${scenario.slice(1)}.`];
    if (best && !measure.neutral) parts.push(`Best of those that compete, ${measure.says}: ${best.id}, ${measure.show(measure.of(best))}.`);
    if (wrong.length) parts.push(`Not ranked: ${wrong.map((r) => `${r.id} (${r.wrong})`).join("; ")}.`);
    $("#says").textContent = parts.join(" ");
  }

  /* ---- curves ---- */
  let chart = null;
  const chart_size = () => ({width: $("#curves").clientWidth, height: Math.max(260, Math.min(420, innerWidth * 0.45))});
  const PALETTE = ["#0b57a4", "#b35900", "#136b37", "#8e44ad", "#00798c", "#a8327d", "#6b705c", "#c1121f", "#3d5a80", "#7f5539",
    "#2a9d8f", "#5f0f40", "#4361ee", "#9a031e", "#588157", "#bc6c25"];
  const DARK = ["#85b9f2", "#ffb36b", "#74ce98", "#d0a3ee", "#6fd3e3", "#f28ac8", "#c9cdb8", "#ff8a80", "#a9c1e0", "#d9b08c",
    "#7fe0d2", "#f2a0c4", "#a6b4ff", "#ff9a9a", "#a9d18e", "#e8b878"];

  function at(row, t) {
    const [times, values] = row.curve;
    if (!times.length || t < times[0]) return 0;
    for (let i = 1; i < times.length; i++)
      if (t < times[i]) return values[i - 1] + (values[i] - values[i - 1]) * (t - times[i - 1]) / (times[i] - times[i - 1] || 1);
    return values[values.length - 1];
  }

  function show_curves() {
    const found = ranked(), ids = data.index.designs.map((d) => d.id);
    const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--text"), grid = style.getPropertyValue("--line");
    const colours = matchMedia("(prefers-color-scheme: dark)").matches ? DARK : PALETTE;
    const times = [...new Set([0, ...found.flatMap((r) => r.curve[0])])].sort((a, b) => a - b);
    const x = times.map((t) => t / 1e6);
    const lines = found.map((row) => times.map((t) => at(row, t) / 10));
    const seconds = (v) => time(Math.round(v * 1e6));
    if (chart) chart.destroy();
    const axis = {stroke: ink, grid: {stroke: grid, width: 1}, ticks: {stroke: grid, width: 1}};
    chart = new uPlot({
      ...chart_size(),
      scales: {x: {time: false}, y: {range: [0, 102]}},
      axes: [{...axis, label: "time after the kill", values: (u, vs) => vs.map(seconds)}, {...axis, values: (u, vs) => vs.map((v) => `${v} %`), size: 56}],
      series: [{label: "time", value: (u, v) => v == null ? "" : seconds(v)}, ...found.map((row) => ({
        label: row.id + (row.flaw ? ` (${row.flaw})` : ""), stroke: colours[ids.indexOf(row.id) % colours.length],
        width: row.id === BASE ? 3 : 1.6, dash: row.flaw ? [6, 4] : undefined,
        value: (u, v) => v == null ? "" : `${v.toFixed(0)} %`, points: {show: false},
      }))],
      cursor: {focus: {prox: 24}},
      focus: {alpha: 0.35},
    }, [x, ...lines], $("#curves"));
  }

  function show_command() {
    const chosen = state.designs.size < data.index.designs.length ? ` ${[...state.designs].join(" ")}` : "";
    $("#command").textContent = `mmbench compare${chosen} --scenario ${state.scenario} --size ${state.size} --locked ${state.locked} --vmas ${state.vmas}`;
  }

  function show() {
    load(state.scenario, () => { show_controls(); show_bars(); show_curves(); show_command(); document.body.dataset.shown = address(); });
  }

  /* ---- take it along ---- */
  function download(name, type, content) {
    const link = Object.assign(document.createElement("a"), {download: name});
    link.href = content instanceof Blob ? URL.createObjectURL(content) : URL.createObjectURL(new Blob([content], {type}));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function flat(row) {
    return {design: row.id, flaw: row.wrong, all_freed_us: row.all, half_freed_us: row.half, oom_skip_us: row.skip,
      oom_skip_means: row.skip_means, exit_blocked_us: sum(row.blocked.exit), helper_blocked_us: MEASURES.helper.of(row),
      freed_by_helper_permille: MEASURES.freed.of(row), further_kills: row.kills};
  }

  function save(button) {
    const name = `mmbench-${state.scenario}-${state.size}-${state.locked.replace("%", "")}`;
    const found = ranked().map(flat);
    if (button.dataset.save === "csv") {
      const quoted = (v) => `"${String(v ?? "").replace(/"/g, '""')}"`;
      download(`${name}.csv`, "text/csv", [Object.keys(found[0] || {}), ...found.map(Object.values)].map((r) => r.map(quoted).join(",")).join("\n") + "\n");
    } else if (button.dataset.save === "json") download(`${name}.json`, "application/json", JSON.stringify({origin: "model", ...state, designs: [...state.designs], runs: found}, null, 1));
    else if (button.dataset.save === "png") $("#curves canvas").toBlob((blob) => download(`${name}.png`, "image/png", blob));
    else navigator.clipboard && navigator.clipboard.writeText(location.href).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "The address bar has it"; });
  }

  return {
    index(found) { data.index = found; },
    runs(scenario, found) { data.runs[scenario] = found; (waiting[scenario] || []).forEach((then) => then()); },
    start() { build_controls(); read_address(); show(); },
    address,
  };
})();
window.mmbench = mmbench;
document.addEventListener("DOMContentLoaded", () => {
  const script = document.createElement("script");
  script.src = "explore/index.js";
  script.onload = () => mmbench.start();
  document.head.append(script);
});
