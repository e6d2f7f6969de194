// Views: which cards stand on the stage, and what a step of each view lights up.

const ABOUT = {
  X: "input", W: "filter", b: "bias", dY: "upstream gradient", Y: "output",
  switches: "where the maximum was", dX: "gradient of the input", dW: "gradient of the filter",
  db: "gradient of the bias", A: "σ(Y)", dA: "upstream gradient",
};
const TITLES = { derivative: "σ′(Y)" };
const FAMILY = {
  X: "X", dX: "X", W: "W", dW: "W", b: "b", db: "b",
  Y: "Y", dY: "Y", switches: "Y", A: "Y", dA: "Y", derivative: "Y",
};
const titleOf = (name) => TITLES[name] || name;

function aboutOf(name, model) {
  if (!model.activated) return ABOUT[name];
  return { Y: "before the activation", dY: "dA ∘ σ′(Y)", derivative: "slope at Y" }[name] || ABOUT[name];
}

// What an array's leading axes count, as indices into the state: n, and c or k.
function leads(name, model) {
  if (model.leads) return model.leads(name);
  const family = FAMILY[name];
  if (family === "W") return ["k", "c"];
  return family === "b" ? [] : ["n", family === model.outer ? "k" : "c"];
}

// The planes of an array that are on the stage.
function planesShown(plate, state, model) {
  if (model.planesShown) return model.planesShown(plate, state);
  const { name, leading } = plate;
  const every = Array.from({ length: Math.max(1, product(leading)) }, (_, plane) => plane);
  if (state.all || leading.length < 2) return every;
  const depth = leading.length > 2 ? [Math.min(state.depth[FAMILY[name]], leading[2] - 1)] : [];
  const chosen = leads(name, model).map((key, axis) => (FAMILY[name] === "W" && axis ? state.c % model.perGroup : state[key]));
  return [plate.plane([...chosen, ...depth])];
}

function planeLabel(plate, lead, page) {
  const { model, layer } = page;
  const [inner, outer] = layer.called;
  const words = { n: "sample", c: inner, k: outer };
  const names = [...leads(plate.name, model).map((key) => words[key]), "depth"];
  return lead.map((place, axis) => (plate.leading[axis] > 1 ? `${names[axis]} ${place}` : ""))
    .filter(Boolean).join(", ");
}

function arrayCard(page, name, extra = {}) {
  const { plates, model, state, board } = page;
  const plate = plates[name];
  const blocks = planesShown(plate, state, model).map((plane) => ({
    label: planeLabel(plate, plate.leadingOf(plane), page), name, plane, rows: plate.rows, cols: plate.cols,
    cell: (r, c) => ({
      ref: [name, plane * plate.area + r * plate.cols + c],
      ...idleAt(page, name, plate.index(plane * plate.area + r * plate.cols + c)),
    }),
  }));
  const size = plate.space.join("×");
  const kind = model.given.includes(name) ? "given" : "result";
  const idle = idleRole(page.layer, name) || model.idleRole?.(name);
  const legend = [
    board.chosen[name]?.size ? "<i class='dot'></i> maximum of a window" : "",
    idle ? IDLE[idle] : "",
    model.layers && blocks.length === MOST_PLANES ? `The first ${MOST_PLANES} planes are shown.` : "",
  ].filter(Boolean).join(" ");
  return { name, title: titleOf(name), about: `${aboutOf(name, model)}, ${size}`, blocks, kind, legend, ...extra };
}

const IDLE = {
  unreached: "<i class='hatched'></i> no window reaches it", gap: "<i class='gap'></i> zero in between",
};

// Whether a place of an array is one that no window reaches: its role, and why in Python's words.
function idleAt(page, name, index) {
  return page.model.idleAt ? page.model.idleAt(name, index) : idleIn(page.layer, name, index);
}

function idleIn({ idle }, name, index) {
  if (!idle || idle.family !== FAMILY[name]) return null;
  const axis = idle.axes.findIndex((places, j) => index[2 + j] in places);
  return axis < 0 ? null : { role: idle.role, note: idle.axes[axis][index[2 + axis]] };
}

function idleRole({ idle }, name) {
  const some = idle && idle.family === FAMILY[name] && idle.axes.some((axis) => Object.keys(axis).length);
  return some ? idle.role : null;
}

// A map: an array laid out with zeros between, around, and with what is cut off.
function mapCard(page, name, entries, extra) {
  const { plates, model, state } = page;
  const { notes, legends } = zeros(page.layer.idle.family);
  const plate = plates[name];
  const depths = entries.length > 2 ? entries[0] : [[0, "value"]];
  const along = entries.length > 1 ? entries[entries.length - 2] : [[0, "value"]];
  const across = entries[entries.length - 1];
  const leads = new Map(planesShown(plate, { ...state }, model).map((plane) => {
    const lead = plate.leadingOf(plane).slice(0, 2);
    return [lead.join(), lead];
  }));
  const blocks = [...leads.values()].flatMap((lead) => depths.map(([z, zRole], layerAt) => ({
    label: [planeLabel(plate, lead, page), depths.length > 1 ? `depth ${layerAt}` : ""].filter(Boolean).join(", "),
    name, lead, depth: layerAt, rows: along.length, cols: across.length,
    cell(r, c) {
      const axes = [[z, zRole], along[r], across[c]];
      const role = ["crop", "rest", "pad", "gap"].filter((kind) => axes.some(([, k]) => k.includes(kind)));
      const zero = axes.some(([index]) => index < 0);
      const index = [...lead, ...(depths.length > 1 ? [z] : []), ...(entries.length > 1 ? [along[r][0]] : []), across[c][0]];
      return { ref: zero ? null : [name, plate.flat(index)], role: role.slice(0, 1 + (role[0] === "crop")).join(" "), note: notes[role[0]] };
    },
  })));
  const roles = new Set(entries.flat().flatMap(([, role]) => role.split(" ")));
  const legend = legends.filter(([role]) => roles.has(role))
    .map(([role, text]) => `<i class="${role}"></i> ${text}`).join(" ");
  return { name, title: name, kind: "given", blocks, legend, ...extra };
}

// What the zeros of a map are. Windows pass over `family`: X, or Y of a transposed convolution.
function zeros(family) {
  return {
    legends: [
      ["gap", "zero in between"], ["pad", "zero padding"], ["rest", "zero for what is left over"],
      ["crop", `cut off with the padding of ${family}`],
    ],
    notes: {
      crop: `cut off: it belongs to the padding of ${family}`,
      rest: `zero for rows or columns of ${family} left over after the last window`,
      pad: "zero padding", gap: "zero put in between",
    },
  };
}

function crowded({ plates, state, model }, names) {
  return matchMedia("(max-width: 900px)").matches || names.some((name) =>
    isFine(plates[name]) || planesShown(plates[name], state, model).length > 2);
}

// The cards of each view.
const CARDS = {
  gather(page) {
    const { model, plates, state } = page;
    if (model.layers) return chainCards(page);
    const names = [...model.given, ...model.results];
    const card = (name) => arrayCard(page, name);
    if (!crowded(page, names)) return [...model.given.map(card), { row: true }, ...model.results.map(card)];
    // Where not all can be seen at once: the result and what makes it first, fine grids before small.
    const makers = { dX: ["dY", "W"], dW: ["dY", "X"], db: ["dY"], Y: ["X", "W"], A: ["Y"], derivative: ["Y"], dY: ["dA", "derivative"] }[state.target];
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
