// The page: one state, and what follows from it. Everything on screen is drawn from here.

const layer = JSON.parse(document.getElementById("layer").textContent);

function modelOf(layer) {
  const model = new { products: Products, pool: Pool, pointwise: Pointwise, chain: Chain }[layer.kind](layer);
  return layer.activation ? activated(layer.activation, model) : model;
}

const page = {
  layer,
  model: modelOf(layer),
  plates: {},
  state: {
    target: null, view: "gather", all: layer.showAll, n: 0, c: 0, k: 0, depth: { X: 0, W: 0, Y: 0 },
    chosen: null, step: 0,
  },

  start() {
    for (const [name, array] of Object.entries(layer.arrays)) this.plates[name] = new Plate(name, array);
    this.model.evaluate(this.plates);
    this.state.target = ["dX", "dY", "dh0"].find((name) => this.model.results.includes(name));
    Object.assign(TITLES, layer.titles);
    Object.assign(ABOUT, layer.about);
    this.writer = new (this.model.layers ? ChainWriter : Writer)(layer, this.model, this.plates);
    this.board = new Board(document.getElementById("stage"), this.plates, this.writer);
    if (this.model.layers) this.board.digits = 3;
    this.dock = new Dock(this, document.getElementById("dock"));
    this.player = new Player(this);
    this.draw();
    this.player.go(this.firstStep());
  },

  views() {
    const { target } = this.state;
    const slides = this.layer.axes.length > 0 && target in this.layer.axes[0].sliding;
    return ["gather", ...(["dX", "dW"].includes(target) ? ["scatter"] : []), ...(slides ? ["convolution"] : [])];
  },

  // A cell in the middle says more than a corner does, unless no window reaches it.
  firstStep() {
    if (this.state.view !== "gather") return 0;
    const { rows, cols, area } = this.plates[this.state.target];
    const middle = Math.floor(rows / 2) * cols + Math.floor(cols / 2);
    const reached = this.steps().slice(0, area).findIndex(([name, flat], step) =>
      step >= middle && this.model.terms(name, flat).length);
    return Math.max(0, reached);
  },

  // The cells that play goes through: results on the stage, or the upstream cells of a scatter.
  steps() {
    const name = this.state.view === "scatter" ? "dY" : this.state.target;
    const plate = this.plates[name];
    return planesShown(plate, this.state, this.model).flatMap((plane) =>
      Array.from({ length: plate.area }, (_, place) => [name, plane * plate.area + place]));
  },

  draw() {
    if (!this.views().includes(this.state.view)) this.state.view = "gather";
    document.body.dataset.view = this.state.view;
    document.body.classList.toggle("chain", Boolean(this.model.layers));
    document.body.dataset.target = this.state.target;
    this.board.standIn = null;
    this.board.chosen = this.model.maxima?.() || {};
    this.writer.about?.(null);
    this.board.draw(CARDS[this.state.view](this));
    for (const card of this.board.stage.querySelectorAll("[data-card]"))
      card.classList.toggle("target", card.dataset.card === this.state.target);
    drawControls(this);
    this.flags();
  },

  // What stands out without being chosen: maxima of pools, values edited away from the start.
  flags() {
    const { model, board } = this;
    board.chosen = model.maxima?.() || {};
    board.stage.querySelectorAll(".chosen").forEach((cell) => cell.classList.remove("chosen"));
    for (const [name, places] of Object.entries(board.chosen))
      for (const x of places) for (const cell of board.cells[name]?.[x] || []) cell.classList.add("chosen");
    const loss = document.getElementById("loss");
    if (loss) loss.textContent = shown(model.loss);
  },

  choose(name, flat) {
    this.state.chosen = [name, flat];
    this.writer.about?.(name);
    const scatter = this.state.view === "scatter";
    if (scatter && name === "dY") this.scatter(flat);
    else if (this.model.results.includes(name))
      this.dock.equation(name, flat, Marks.terms(this, name, flat));
    else this.dock.influence(name, flat, Marks.influences(this, name, flat));
    lightChoosers(this);
  },

  // Scatter: the target shows what the upstream cells up to this one have added.
  scatter(y) {
    const { target } = this.state;
    const found = Marks.scatter(this, target, y);
    const partial = this.partial(target, y);
    this.board.stand(target, partial);
    this.dock.scatter(target, y, found, partial);
  },

  partial(target, y) {
    const flats = this.steps().map(([, flat]) => flat);
    return this.model.partial(this.plates, target, flats.slice(0, flats.indexOf(y) + 1));
  },

  // After a change of a given array: evaluate, and touch only what differs.
  update() {
    const before = Object.fromEntries(this.model.results.map((name) => [name, this.plates[name].values.slice()]));
    this.model.evaluate(this.plates);
    const changed = {};
    for (const name of this.model.results)
      changed[name] = [...this.plates[name].values.keys()].filter((i) =>
        !Object.is(this.plates[name].values[i], before[name][i]));
    this.flags();
    this.board.refresh(changed);
    if (this.state.chosen) this.choose(...this.state.chosen);
    return changed;
  },
};
