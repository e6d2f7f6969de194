// The board: cards of grids on the stage, and the cells of every array element on it.
// A block is one plane: { label, rows, cols, cell(r, c) -> { ref, role, note } }.

const CELL_CLASSES = [[9, "large"], [16, "medium"], [Infinity, "small"]];
const WASHED = 256;  // cells from which on a plane of small ones has its colours in a picture
const HUGE = 5;  // columns up to which a stage has room for cells one can read across a room

const escapeHtml = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

class Board {
  constructor(stage, plates, writer) {
    Object.assign(this, { stage, plates, writer });
    this.show = "numbers";
    this.digits = 4;
    this.clear();
  }

  clear() {
    this.cells = {};   // array name -> flat -> its elements on the board
    this.tones = {};   // array name -> its fine grids and washes on the board
    this.washed = new Set();  // the cells that a wash lies behind
    this.blocks = [];  // { element, spec, cells, wash? } or, where a plane is fine, { ..., fine }
    this.scales = {};
    [this.marked, this.paired, this.framed] = [[], [], []];
  }

  draw(cards) {
    this.clear();
    this.palette = colours();
    const flat = cards.flatMap((card) => [...(card.sides?.flat() || []), card]);
    const blocks = flat.flatMap((card) => card.blocks || []);
    const widest = Math.max(...blocks.map((block) => block.cols));
    const many = flat.some((card) => card.blocks?.length > 2);
    this.stage.className = `${this.show} ${many ? "many" : widest <= HUGE ? "huge" : ""}`;
    this.stage.innerHTML = cards.map((card, i) => this.card(card, i)).join("");
    const elements = this.stage.querySelectorAll(".block");
    blocks.forEach((spec, i) => {
      if (isFine(spec)) {
        const fine = new FineGrid(elements[i].querySelector(".grid"), spec, this);
        this.blocks.push({ element: elements[i], spec, fine });
        (this.tones[spec.name] ??= []).push(fine);
        return;
      }
      const cells = Array.from(elements[i].querySelectorAll(".cell"));
      this.blocks.push({ element: elements[i], spec, cells, wash: this.wash(elements[i], spec, cells) });
      for (const cell of cells) this.register(cell);
      cells.find((cell) => cell.dataset.a)?.setAttribute("tabindex", "0");
    });
    this.settle();
  }

  wash(element, spec, cells) {
    if (!element.classList.contains("washed")) return null;
    for (const cell of cells) this.washed.add(cell);
    const wash = new Wash(element.querySelector(".grid"), spec, this);
    (this.tones[spec.name] ??= []).push(wash);
    return wash;
  }

  // Cells are smaller where else a part of the stage would lie behind the dock.
  settle() {
    this.stage.classList.remove("tight");
    for (const { wash } of this.blocks) wash?.fit();
    this.breakRow();
    const room = innerHeight - document.getElementById("dock").offsetHeight;
    if (innerWidth <= 900 || this.stage.offsetTop + this.stage.offsetHeight <= room) return;
    this.stage.classList.add("tight");
    this.breakRow();
  }

  // Given and results stand in two rows, unless one is enough for both.
  breakRow() {
    const row = this.stage.querySelector(".row");
    if (!row) return;
    row.hidden = true;
    const cards = this.stage.querySelectorAll(".card");
    row.hidden = cards[0].offsetTop === cards[cards.length - 1].offsetTop;
  }

  register(cell) {
    const { a, i } = cell.dataset;
    if (a) ((this.cells[a] ??= [])[i] ??= []).push(cell);
  }

  card(card) {
    if (card.row) return `<div class="row" aria-hidden="true"></div>`;
    if (card.band || card.sides) return this.band(card);
    if (card.sign) return `<div class="sign" aria-hidden="true">${card.sign}</div>`;
    const blocks = card.blocks.map((block) => this.block(block, card)).join("");
    const scroll = `<div class="planes">${blocks}</div>`;
    const legend = card.legend ? `<p class="legend">${card.legend}</p>` : "";
    return `<section class="card ${card.kind || ""}" data-card="${card.name}">
      <h2><b>${card.title}</b> <span>${card.about}</span></h2>${scroll}${legend}</section>`;
  }

  // A line across the stage: words, then what goes forward on one side and back on the other.
  band({ band, sides = [], kind = "" }) {
    const words = band ? `<p class="words">${band}</p>` : "";
    const parts = sides.map((cards) => `<div class="side">${cards.map((card) => this.card(card)).join("")}</div>`);
    return `<div class="band ${kind}">${words}${parts.join("")}</div>`;
  }

  block(block, card) {
    const wide = block.cols + (card.blocks.length > 2 ? 8 : 0);  // many planes: smaller cells
    const fine = isFine(block);
    const size = fine ? "fine" : CELL_CLASSES.find(([most]) => wide <= most)[1];
    const washed = size === "small" && block.rows * block.cols > WASHED;
    const wash = washed ? `<canvas class="wash" aria-hidden="true"></canvas>` : "";
    const pitch = fine ? `--w:${FineGrid.pitch(block) - 1}px;--h:${FineGrid.pitch(block) - 1}px;` : "";
    const label = `${card.label || card.title} ${block.label}`.trim();
    const rows = [];
    for (let r = 0; r < block.rows && !fine; r++) {
      const cells = [];
      for (let c = 0; c < block.cols; c++) cells.push(this.cell(block.cell(r, c), c));
      rows.push(`<div role="row" aria-rowindex="${r + 1}">${cells.join("")}</div>`);
    }
    const caption = block.label ? `<p class="plane">${escapeHtml(block.label)}</p>` : "";
    return `<div class="block ${size}${washed ? " washed" : ""}" style="${pitch}--cols:${block.cols};--rows:${block.rows};--chars:${this.chars(block)}">
      ${caption}<div class="grid" role="grid" aria-label="${escapeHtml(label)}"
        aria-rowcount="${block.rows}" aria-colcount="${block.cols}" data-cols="${block.cols}">
      ${fine ? FineGrid.html(block) : wash + rows.join("")}<div class="frame" hidden></div></div></div>`;
  }

  cell({ ref, role = "", note }, column) {
    const state = `role="gridcell" aria-colindex="${column + 1}" tabindex="-1"`;
    if (!ref) return `<div class="cell ${role}" ${state}${title(note)}>${role.includes("crop") ? "×" : "0"}</div>`;
    const [name, flat] = ref;
    const editable = this.writer.model.given.includes(name) ? "" : ` aria-readonly="true"`;
    const edited = this.plates[name].edited(flat) ? " edited" : "";
    return `<div class="cell ${role}${edited}" ${state} data-a="${name}" data-i="${flat}"${editable}${title(note)}>${this.content(ref)}</div>`;
  }

  content(ref) {
    const value = `<span class="num">${this.text(ref)}</span>`;
    if (this.show === "numbers") return value;
    const symbol = `<math>${this.writer.symbol(ref, "mathml")}</math>`;
    return this.show === "symbols" ? symbol : `<span class="sym">${symbol}</span>${value}`;
  }

  text([name, flat]) {
    return shown(this.plates[name].values[flat], this.digits);
  }

  // Nine steps of colour by sign and size: what a grid too fine for numbers shows instead.
  level([name, flat]) {
    const value = (this.standIn?.[0] === name ? this.standIn[1] : this.plates[name].values)[flat];
    const level = value ? Math.sign(value) * Math.ceil((4 * Math.abs(value)) / this.scale(name)) : 0;
    return Number.isFinite(level) ? Math.max(-4, Math.min(4, level)) : 0;
  }

  isChosen([name, flat]) {
    return Boolean(this.chosen[name]?.has(flat));
  }

  // Fine grids again from the ground: after a change of numbers or of light and dark.
  ground() {
    this.scales = {};
    this.palette = colours();
    for (const { fine, wash } of this.blocks) (fine || wash)?.ground();
  }

  // Other numbers in the place of an array's own: the partial sums of a scatter.
  stand(name, values) {
    this.standIn = [name, values];
    this.cells[name]?.forEach((cells, flat) => {
      const text = shown(values[flat], this.digits);
      for (const cell of cells) {
        const num = cell.querySelector(".num");
        if (num && num.textContent !== text) num.textContent = text;
      }
    });
    for (const { fine, spec } of this.blocks) if (spec.name === name) fine?.ground();
  }

  scale(name) {
    return (this.scales[name] ??= this.plates[name].values.reduce(
      (most, v) => Math.max(most, Math.abs(v) || 0), 0) || 1);
  }

  chars(block) {
    let most = 1;
    if (isFine(block)) return most;
    for (let r = 0; r < block.rows; r++)
      for (let c = 0; c < block.cols; c++) {
        const { ref } = block.cell(r, c);
        if (ref) most = Math.max(most, this.text(ref).length);
      }
    return most;
  }

  // After an edit: only the cells whose number changed are touched, and flash once.
  refresh(changed) {
    this.ground();
    for (const [name, flats] of Object.entries(changed))
      for (const flat of flats)
        for (const cell of this.cells[name]?.[flat] || []) {
          const num = cell.querySelector(".num");
          if (num) num.textContent = this.text([name, flat]);
          cell.classList.remove("changed");
          void cell.offsetWidth;
          cell.classList.add("changed");
        }
  }

  // Marks: the colour of a pair, and the number of its term where there is one; or a plain kind.
  // The first pair that a cell is in keeps it.
  pair([name, flat], pair, term = null) {
    for (const cell of this.cells[name]?.[flat] || []) {
      if (this.washed.has(cell) || cell.hasAttribute("data-p")) continue;
      cell.setAttribute("data-p", pair % 8);
      if (term !== null) cell.setAttribute("data-t", term + 1);
      this.paired.push(cell);
    }
    for (const tones of this.tones[name] || []) tones.pair(tones.placeOf(flat), pair);
  }

  kind([name, flat], kind) {
    for (const cell of this.cells[name]?.[flat] || [])
      if (kind !== "under" || !this.washed.has(cell)) this.kindOfCell(cell, kind);
    for (const tones of this.tones[name] || []) tones.kind(tones.placeOf(flat), kind);
  }

  under({ fine, wash, cells }, place) {
    if (fine || wash) (fine || wash).kind(place, "under");
    else this.kindOfCell(cells[place], "under");
  }

  kindOfCell(cell, kind) {
    cell.classList.add(kind);
    this.marked.push(cell);
  }

  unmark() {
    for (const cell of this.paired) {
      cell.removeAttribute("data-p");
      cell.removeAttribute("data-t");
    }
    for (const cell of this.marked)
      cell.classList.remove("here", "under", "idle", "best", "tied", "added", "emphasis");
    for (const frame of this.framed) frame.hidden = true;
    [this.marked, this.paired, this.framed] = [[], [], []];
    for (const { fine, wash } of this.blocks) (fine || wash)?.unmark();
  }

  fineOf(element) {
    return this.blocks.find(({ fine }) => fine?.element.contains(element))?.fine;
  }

  frame({ element }, top, left, rows, cols) {
    const frame = element.querySelector(".frame");
    frame.hidden = false;
    this.framed.push(frame);
    for (const [key, value] of Object.entries({ top, left, rows, cols }))
      frame.style.setProperty(`--${key}`, value);
  }
}

const title = (note) => (note ? ` title="${escapeHtml(note)}"` : "");
