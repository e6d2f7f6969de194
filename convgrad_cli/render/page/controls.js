// Controls: choosing target, view, planes, notation, what cells show, light or dark.

const VIEW_NAMES = { gather: "Gather", scatter: "Scatter", convolution: "As a convolution" };

function segmented(root, name, options, chosen, pick) {
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.value : null;
  root.innerHTML = options.map(([value, label]) =>
    `<button type="button" data-value="${value}" aria-pressed="${String(value) === String(chosen)}">${label}</button>`).join("");
  root.setAttribute("aria-label", name);
  root.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) pick(button.dataset.value);
  };
  if (focused !== null) root.querySelector(`[data-value="${focused}"]`)?.focus();
}

function drawControls(page) {
  const { state, model } = page;
  const change = (key) => (value) => { state[key] = value; redraw(page); };
  if (model.layers) drawLayers(page);
  else {
    const targets = model.results.filter((name) => name !== "switches");
    segmented(byId("targets"), "Result", targets.map((name) => [name, titleOf(name)]), state.target, change("target"));
    segmented(byId("views"), "View", page.views().map((view) => [view, VIEW_NAMES[view]]), state.view, change("view"));
  }
  segmented(byId("contents"), "Cells show", [["numbers", "Numbers"], ["symbols", "Symbols"], ["both", "Both"]],
    page.board.show, (value) => { page.board.show = value; redraw(page, true); });
  drawChoosers(page);
}

// A chain: one chooser for its layer, one for what of the layer is played.
function drawLayers(page) {
  const { state, model } = page;
  const [now] = model.at(state.target);
  const targets = (k) => model.layers[k].model.results.filter((letter) => letter !== "switches")
    .map((letter) => [model.layers[k].names[letter], titleOf(letter)]).filter(([name]) => name);
  const go = (target) => {
    state.target = target;
    redraw(page);
    page.board.stage.querySelector(`[data-card="${target}"]`).scrollIntoView({ block: "center" });
  };
  segmented(byId("views"), "Layer", model.layers.map(({ heading }, k) => [k, escapeHtml(heading)]), now, (k) => go(targets(Number(k)).at(-1)[0]));
  segmented(byId("targets"), "Result", targets(now), state.target, go);
}

function redraw(page, keep = false) {
  page.player.pause();
  page.draw();
  page.player.go(keep ? page.state.step : page.firstStep());
}

// One chooser per leading axis with more than one plane; and one for all planes at once.
function drawChoosers(page) {
  const { state, model, plates, layer } = page;
  const [inner, outer] = layer.called.map((word) => word[0].toUpperCase() + word.slice(1));
  const choosers = [["n", "Sample", model.batch], ["c", inner, model.channels], ["k", outer, model.filters || 1]]
    .filter(([, , size]) => size > 1);
  const depths = Object.entries({ X: "Depth of X", W: "Depth of W", Y: "Depth of Y" })
    .map(([family, label]) => [family, label, plates[family]?.leading[2] || 1]).filter(([, , size]) => size > 1);
  const root = byId("planes");
  root.hidden = !choosers.length && !depths.length;
  const all = layer.mayShowAll ? `<label class="check"><input type="checkbox" id="all" ${state.all ? "checked" : ""}> all planes</label>` : "";
  const list = (key, label, size, chosen) => `<div class="chooser" data-key="${key}"><span>${label}</span>` +
    (size > 12
      ? `<select aria-label="${label}">${Array.from({ length: size }, (_, i) => `<option ${i === chosen ? "selected" : ""}>${i}</option>`).join("")}</select>`
      : `<span class="segmented" role="group" aria-label="${label}">${Array.from({ length: size }, (_, i) =>
        `<button type="button" data-value="${i}" aria-pressed="${i === chosen}">${i}</button>`).join("")}</span>`) + "</div>";
  root.innerHTML = all + (state.all ? "" : choosers.map(([key, label, size]) => list(key, label, size, state[key])).join("") +
    depths.map(([family, label, size]) => list(`depth ${family}`, label, size, state.depth[family])).join(""));
  const pick = (key, value) => { choosePlane(page, key, value); redraw(page, true); };
  root.onclick = (event) => {
    const button = event.target.closest("button");
    if (button) pick(button.closest(".chooser").dataset.key, Number(button.dataset.value));
  };
  root.onchange = (event) => {
    if (event.target.id === "all") { state.all = event.target.checked; redraw(page, true); byId("all").focus(); }
    else pick(event.target.closest(".chooser").dataset.key, Number(event.target.value));
  };
}

// A filter sees only the channels of its group: choosing one moves the other along.
function choosePlane({ state, model }, key, value) {
  if (key.startsWith("depth")) {
    state.depth[key.split(" ")[1]] = value;
    return;
  }
  state[key] = value;
  if (!model.filters) return;
  const group = { c: Math.floor(value / model.perGroup), k: Math.floor(value / model.filtersPerGroup) }[key];
  if (key === "c" && Math.floor(state.k / model.filtersPerGroup) !== group) state.k = group * model.filtersPerGroup;
  if (key === "k" && Math.floor(state.c / model.perGroup) !== group) state.c = group * model.perGroup;
}

// Planes that are not on the stage but hold cells of the equation are marked in the choosers.
function lightChoosers(page) {
  if (byId("planes").hidden || page.model.layers) return;
  const lit = { n: new Set(), c: new Set(), k: new Set() };
  const { model, plates, dock } = page;
  for (const [name, flat] of dock.found.slice(0, 2000).flatMap(({ into, refs }) => (into ? [into, ...refs] : refs))) {
    const index = plates[name].index(flat);
    const axes = FAMILY[name] === "W" ? ["k"] : leads(name, model);
    axes.forEach((key, axis) => lit[key].add(index[axis]));
  }
  for (const button of byId("planes").querySelectorAll(".chooser button"))
    button.classList.toggle("lit", Boolean(lit[button.closest(".chooser").dataset.key]?.has(Number(button.dataset.value))));
}

const byId = (id) => document.getElementById(id);

function startControls(page) {
  const notation = byId("notation");
  notation.innerHTML = layer.notations.map(({ name }) => `<option>${escapeHtml(name)}</option>`).join("");
  notation.onchange = () => { page.writer.notation = layer.notations[notation.selectedIndex]; redraw(page, true); };
  byId("theme").onclick = () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
    page.board.ground();
  };
  // On paper all is light, the pictures of fine grids too.
  let screen = null;
  const paper = (theme) => { document.documentElement.dataset.theme = theme; page.board.ground(); };
  addEventListener("beforeprint", () => {
    screen = document.documentElement.dataset.theme || "";
    paper("light");
    for (const { fine } of page.board.blocks) fine?.print();
  });
  addEventListener("afterprint", () => paper(screen));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.board.ground());
  addEventListener("resize", () => page.board.settle());
  byId("reset").onclick = () => resetArrays(page);
  byId("copy-bundle").onclick = () => copy(bundleText(page), "The layer's state is copied as JSON.");
  byId("copy-latex").onclick = () => copy(latexOfChosen(page), "The equation is copied as LaTeX.");
}
