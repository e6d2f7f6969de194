// Fine grids: planes too large for numbers are drawn on a canvas, by sign and size, with one real
// cell in them, the cursor, which moves to where the pointer or the keyboard is.

const FINE = { columns: 26, cells: 1200 };
const isFine = (block) => block.cols > FINE.columns || block.rows * block.cols > FINE.cells;

class FineGrid {
  constructor(element, spec, board) {
    Object.assign(this, { element, spec, board });
    this.canvas = element.querySelector("canvas");
    this.cursor = element.querySelector(".cursor");
    this.pitch = FineGrid.pitch(spec);
    this.cells = [];
    this.places = new Map();
    for (let place = 0; place < spec.rows * spec.cols; place++) {
      const cell = spec.cell(Math.floor(place / spec.cols), place % spec.cols);
      this.cells.push(cell);
      if (cell.ref) this.places.set(cell.ref[1], place);
    }
    this.ratio = Math.ceil(window.devicePixelRatio || 1);
    this.canvas.width = spec.cols * this.pitch * this.ratio;
    this.canvas.height = spec.rows * this.pitch * this.ratio;
    this.base = Object.assign(document.createElement("canvas"), { width: this.canvas.width, height: this.canvas.height });
    this.marks = [];
    this.move(this.cells.findIndex(({ ref }) => ref));
    this.ground();
  }

  static pitch(block) {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return Math.max(7, Math.min(12, Math.floor((31 * rem) / block.cols)));
  }

  static html(block) {
    const pitch = FineGrid.pitch(block);
    return `<canvas aria-hidden="true" style="width:${block.cols * pitch}px;height:${block.rows * pitch}px"></canvas>
      <div role="row"><div class="cell cursor" role="gridcell" tabindex="0"></div></div>`;
  }

  // What is there before anything is chosen: colours by value, zeros that are no numbers, leftovers.
  ground() {
    const pen = this.base.getContext("2d");
    this.colours = this.board.colours();
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.cells.forEach((cell, place) => this.groundCell(pen, cell, ...this.corner(place)));
    this.paint();
  }

  groundCell(pen, { ref, role = "" }, x, y) {
    const size = this.pitch - 1;
    const { colours } = this;
    if (ref && !role.includes("crop")) {
      const level = this.board.level(ref);
      pen.fillStyle = colours.cell;
      pen.fillRect(x, y, size, size);
      pen.globalAlpha = [0, 0.12, 0.28, 0.48, 0.72][Math.abs(level)];
      pen.fillStyle = level > 0 ? colours.plus : colours.minus;
      pen.fillRect(x, y, size, size);
      pen.globalAlpha = 1;
      if (this.board.isChosen(ref)) this.dot(pen, x, y, colours.ink);
    } else if (role.includes("pad") || role.includes("rest") || role.includes("gap")) {
      this.dot(pen, x + size / 2 - 1, y + size / 2 - 1, colours.hatch);
    }
    if (/crop|unreached/.test(role)) {
      pen.strokeStyle = colours.soft;
      pen.lineWidth = 0.7;
      pen.beginPath();
      pen.moveTo(x, y + size);
      pen.lineTo(x + size, y);
      pen.stroke();
    }
  }

  dot(pen, x, y, colour) {
    pen.fillStyle = colour;
    pen.fillRect(x, y, 2, 2);
  }

  corner(place) {
    return [(place % this.spec.cols) * this.pitch, Math.floor(place / this.spec.cols) * this.pitch];
  }

  mark(flat, mark) {
    const place = this.places.get(flat);
    if (place !== undefined) this.markPlace(place, mark);
  }

  markPlace(place, mark) {
    this.marks.push([place, mark]);
    this.later();
  }

  unmark(kind = null) {
    this.marks = kind ? this.marks.filter(([, mark]) => mark.kind !== kind) : [];
    this.later();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => { this.waiting = false; this.paint(); });
  }

  paint() {
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.base, 0, 0);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const size = this.pitch - 1;
    const { colours } = this;
    for (const [place, { pair = null, kind = null }] of this.marks) {
      const [x, y] = this.corner(place);
      if (pair !== null) {
        pen.fillStyle = colours.pairs[pair % 8];
        pen.fillRect(x, y, size, size);
      }
      const edge = { here: [colours.ink, 2], emphasis: [colours.ink, 2], under: [colours.soft, 1], idle: [colours.soft, 1.5], best: [colours.accent, 2], tied: [colours.accent, 2] }[kind];
      if (edge) {
        [pen.strokeStyle, pen.lineWidth] = edge;
        pen.strokeRect(x, y, size, size);
      }
    }
  }

  // The cursor stands on a cell: its number, for those who cannot see colours, and its place.
  move(place) {
    const cell = this.cells[place];
    if (!cell) return;
    this.place = place;
    const [x, y] = this.corner(place);
    const row = Math.floor(place / this.spec.cols);
    const column = place % this.spec.cols;
    this.cursor.style.cssText = `left:${x}px;top:${y}px;width:${this.pitch - 1}px;height:${this.pitch - 1}px`;
    this.cursor.parentElement.setAttribute("aria-rowindex", row + 1);
    this.cursor.setAttribute("aria-colindex", column + 1);
    this.cursor.setAttribute("title", cell.note || "");
    if (cell.ref) [this.cursor.dataset.a, this.cursor.dataset.i] = cell.ref;
    else { delete this.cursor.dataset.a; delete this.cursor.dataset.i; }
    this.cursor.textContent = cell.ref ? this.board.text(cell.ref) : "0";
  }

  under(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - left) / this.pitch);
    const row = Math.floor((event.clientY - top) / this.pitch);
    const inside = column >= 0 && row >= 0 && column < this.spec.cols && row < this.spec.rows;
    return inside ? row * this.spec.cols + column : -1;
  }
}
