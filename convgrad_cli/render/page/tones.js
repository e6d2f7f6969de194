// Tones: what is marked in a plane with many cells, as a picture of a colour a place. To paint it
// takes a fraction of the time that as many elements with another style would.

const UNDER = 9;  // a place under a window; 1 to 8 are the colours of pairs

class Tones {
  constructor(element, spec, board) {
    Object.assign(this, { element, spec, board });
    this.cells = [];
    this.places = new Map();
    for (let place = 0; place < spec.rows * spec.cols; place++) {
      const cell = spec.cell(Math.floor(place / spec.cols), place % spec.cols);
      this.cells.push(cell);
      if (cell.ref) this.places.set(cell.ref[1], place);
    }
    this.marks = new Uint8Array(this.cells.length);
  }

  placeOf(flat) {
    return this.places.get(flat);
  }

  // The first pair that a place is in keeps it.
  pair(place, pair) {
    if (place !== undefined && (this.marks[place] || UNDER) === UNDER) this.marks[place] = 1 + (pair % 8);
    this.later();
  }

  kind(place, kind) {
    if (kind !== "under" || place === undefined) return;
    this.marks[place] ||= UNDER;
    this.later();
  }

  unmark(kind = null) {
    if (kind) return;
    this.marks.fill(0);
    this.later();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    queueMicrotask(() => { this.waiting = false; this.paint(); });
  }
}

// A wash lies behind cells that show numbers but are too small for the numbers of terms. Each look
// of a cell is drawn once on a sheet; to mark a place is to copy one of them there.
class Wash extends Tones {
  constructor(element, spec, board) {
    super(element, spec, board);
    this.canvas = element.querySelector("canvas.wash");
    this.pen = this.canvas.getContext("2d");
    this.sheet = document.createElement("canvas");
    this.bare = Uint8Array.from(this.cells, ({ ref, role = "" }) => !ref || /crop|unreached/.test(role));
  }

  // Cells of whole pixels, so that the picture and the grid agree.
  fit() {
    const { classList, style } = this.element;
    classList.remove("fitted");
    const { width, height } = this.element.querySelector(".cell").getBoundingClientRect();
    [this.wide, this.high] = [Math.ceil(width), Math.ceil(height)];
    style.setProperty("--across", `${this.wide}px`);
    style.setProperty("--down", `${this.high}px`);
    classList.add("fitted");
    const { rows, cols } = this.spec;
    this.scale = Math.ceil(window.devicePixelRatio || 1);
    this.canvas.width = ((this.wide + 1) * cols - 1) * this.scale;
    this.canvas.height = ((this.high + 1) * rows - 1) * this.scale;
    this.ground();
  }

  ground() {
    if (!this.wide) return;
    const looks = this.board.palette.looks;
    this.sheet.width = this.wide * this.scale;
    this.sheet.height = looks.length * this.high * this.scale;
    const pen = this.sheet.getContext("2d");
    pen.scale(this.scale, this.scale);
    looks.forEach((look, j) => this.look(pen, look, j * this.high));
    this.drawn = new Uint8Array(this.marks.length).fill(255);
    this.paint();
  }

  look(pen, { fill, ring, thick }, top) {
    const shape = (inset) => {
      pen.beginPath();
      pen.roundRect(inset, top + inset, this.wide - 2 * inset, this.high - 2 * inset, Math.max(1, 5 - inset));
    };
    shape(0);
    pen.fillStyle = fill;
    pen.fill();
    if (!thick) return;
    shape(thick / 2);
    [pen.lineWidth, pen.strokeStyle] = [thick, ring];
    pen.stroke();
  }

  paint() {
    if (!this.wide) return;
    const [wide, high, bare] = [this.wide * this.scale, this.high * this.scale, UNDER + 1];
    for (let place = 0; place < this.marks.length; place++) {
      const look = this.marks[place] === UNDER && this.bare[place] ? bare : this.marks[place];
      if (look === this.drawn[place]) continue;
      this.drawn[place] = look;
      const x = (place % this.spec.cols) * (wide + this.scale);
      const y = Math.floor(place / this.spec.cols) * (high + this.scale);
      this.pen.clearRect(x, y, wide, high);
      if (!this.bare[place] || look === bare)
        this.pen.drawImage(this.sheet, 0, look * high, wide, high, x, y, wide, high);
    }
  }
}
