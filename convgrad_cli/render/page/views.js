// Views: which cards stand on the stage, and what a step of each view lights up.

const ABOUT = {
  X: "input", W: "filter", b: "bias", dY: "upstream gradient", Y: "output",
  switches: "where the maximum was", dX: "gradient of the input", dW: "gradient of the filter",
  db: "gradient of the bias",
};
const FAMILY = { X: "X", dX: "X", W: "W", dW: "W", Y: "Y", dY: "Y", switches: "Y", b: "b", db: "b" };

// The planes of an array that are on the stage.
function planesShown(plate, state, model) {
  const { name, leading } = plate;
  const every = Array.from({ length: Math.max(1, product(leading)) }, (_, plane) => plane);
  if (state.all || FAMILY[name] === "b" || leading.length === 0) return every;
  const depth = leading.length > 2 ? [Math.min(state.depth[FAMILY[name]], leading[2] - 1)] : [];
  const channel = model.perGroup ? state.c % model.perGroup : state.c;
  const chosen = {
    X: [state.n, state.c], W: [state.k, channel], Y: [state.n, model.filters ? state.k : state.c],
  }[FAMILY[name]];
  return [plate.plane([...chosen, ...depth])];
}

const AXIS_NAMES = { X: ["sample", "channel"], W: ["filter", "channel"], Y: ["sample", "filter"] };

function planeLabel(plate, plane, model) {
  const names = [...(AXIS_NAMES[FAMILY[plate.name]] || []), "depth"];
  if (FAMILY[plate.name] === "Y" && !model.filters) names[1] = "channel";
  return plate.leadingOf(plane)
    .map((place, axis) => (plate.leading[axis] > 1 ? `${names[axis]} ${place}` : ""))
    .filter(Boolean).join(", ");
}

function arrayCard(page, name, extra = {}) {
  const { plates, model, state, layer } = page;
  const plate = plates[name];
  const blocks = planesShown(plate, state, model).map((plane) => ({
    label: planeLabel(plate, plane, model), name, plane, rows: plate.rows, cols: plate.cols,
    cell: (r, c) => ({
      ref: [name, plane * plate.area + r * plate.cols + c],
      ...(FAMILY[name] === "X" ? unreached(layer, plate, plane, r, c) : {}),
    }),
  }));
  const size = plate.space.join("×");
  const kind = model.given.includes(name) ? "given" : "result";
  const grey = FAMILY[name] === "X" && layer.axes.some((axis) => Object.keys(axis.unreached).length);
  const legend = [
    name === "X" && model.ties ? "<i class='dot'></i> maximum of a window" : "",
    grey ? "<i class='hatched'></i> no window reaches it" : "",
  ].filter(Boolean).join(" ");
  return { name, title: name, about: `${ABOUT[name]}, ${size}`, blocks, kind, legend, ...extra };
}

// Input positions that no window reaches are grey; Python wrote why.
function unreached(layer, plate, plane, r, c) {
  const place = [...plate.leadingOf(plane).slice(2), ...(layer.axes.length > 1 ? [r] : []), c];
  const axis = layer.axes.findIndex((a, j) => place[j] in a.unreached);
  return axis < 0 ? {} : { role: "unreached", note: layer.axes[axis].unreached[place[axis]] };
}

// A map: an array laid out with zeros between, around, and with what is cut off.
function mapCard(page, name, entries, extra) {
  const { plates, model, state } = page;
  const plate = plates[name];
  const depths = entries.length > 2 ? entries[0] : [[0, "value"]];
  const along = entries.length > 1 ? entries[entries.length - 2] : [[0, "value"]];
  const across = entries[entries.length - 1];
  const leads = new Map(planesShown(plate, { ...state }, model).map((plane) => {
    const lead = plate.leadingOf(plane).slice(0, 2);
    return [lead.join(), lead];
  }));
  const blocks = [...leads.values()].flatMap((lead) => depths.map(([z, zRole], layerAt) => ({
    label: mapLabel(plate, model, lead, depths.length > 1 ? layerAt : null),
    name, lead, depth: layerAt, rows: along.length, cols: across.length,
    cell(r, c) {
      const axes = [[z, zRole], along[r], across[c]];
      const role = ["crop", "rest", "pad", "gap"].filter((kind) => axes.some(([, k]) => k.includes(kind)));
      const zero = axes.some(([index]) => index < 0);
      const index = [...lead, ...(depths.length > 1 ? [z] : []), ...(entries.length > 1 ? [along[r][0]] : []), across[c][0]];
      return { ref: zero ? null : [name, plate.flat(index)], role: role.slice(0, 1 + (role[0] === "crop")).join(" "), note: NOTES[role[0]] };
    },
  })));
  const roles = new Set(entries.flat().flatMap(([, role]) => role.split(" ")));
  const legend = LEGEND.filter(([role]) => roles.has(role))
    .map(([role, text]) => `<i class="${role}"></i> ${text}`).join(" ");
  return { name, title: name, kind: "given", blocks, legend, ...extra };
}

const LEGEND = [
  ["gap", "zero in between"], ["pad", "zero padding"], ["rest", "zero for what is left over"],
  ["crop", "cut off with the padding of X"],
];

const NOTES = {
  crop: "cut off: it belongs to the padding of X",
  rest: "zero for rows or columns of X left over after the last window",
  pad: "zero padding",
  gap: "zero put in between",
};

function mapLabel(plate, model, lead, depth) {
  const names = AXIS_NAMES[FAMILY[plate.name]];
  const parts = lead.map((place, axis) => (plate.leading[axis] > 1 ? `${names[axis]} ${place}` : ""));
  if (depth !== null) parts.push(`depth ${depth}`);
  return parts.filter(Boolean).join(", ");
}

function crowded({ plates, state, model }, names) {
  return matchMedia("(max-width: 900px)").matches || names.some((name) =>
    isFine(plates[name]) || planesShown(plates[name], state, model).length > 2);
}

// The cards of each view.
const CARDS = {
  gather(page) {
    const { model, plates, state } = page;
    const names = [...model.given, ...model.results];
    const card = (name) => arrayCard(page, name);
    if (!crowded(page, names)) return [...model.given.map(card), { row: true }, ...model.results.map(card)];
    // Where not all can be seen at once: the result and what makes it first, fine grids before small.
    const makers = { dX: ["dY", "W"], dW: ["dY", "X"], db: ["dY"], Y: ["X", "W"] }[state.target];
    const rank = (name) => [state.target, ...makers, ...names].indexOf(name);
    const fine = (name) => (isFine(plates[name]) ? 0 : 1);
    return names.sort((a, b) => fine(a) - fine(b) || rank(a) - rank(b)).map(card);
  },
  scatter(page) {
    const { state, model } = page;
    const partner = model.filters ? (state.target === "dX" ? "W" : "X") : page.plates.switches ? "X" : null;
    const middle = partner ? [...(model.filters ? [{ sign: "·" }] : []), arrayCard(page, partner)] : [];
    return [arrayCard(page, "dY"), ...middle, { sign: "+=" }, arrayCard(page, state.target)];
  },
  convolution(page) {
    const { layer, state } = page;
    const words = layer.sliding[state.target];
    const entries = (key) => layer.axes.map((axis) => axis.sliding[state.target][key]);
    const map = mapCard(page, words.map[0], entries("map"), { title: words.map[1], about: words.map[2], role: "map" });
    const slider = mapCard(page, words.slider[0], entries("slider"), { title: words.slider[1], about: words.slider[2], role: "slider" });
    map.blocks.forEach((block) => { block.part = "map"; });
    slider.blocks.forEach((block) => { block.part = "slider"; });
    return [map, { sign: "∗" }, slider, { sign: "=" }, arrayCard(page, state.target)];
  },
};
