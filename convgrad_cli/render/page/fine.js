// Fine grids: planes too large for numbers. Their colours are one small picture, a pixel a cell,
// which the browser scales up; over it lie lines and hatches drawn once, rings around the few cells
// that stand out, and one real cell, the cursor, which moves to where the pointer or the keyboard is.

const FINE = { columns: 26, cells: 1200 };
const isFine = (block) => block.cols > FINE.columns || block.rows * block.cols > FINE.cells;

class FineGrid extends Tones {
  constructor(element, spec, board) {
    super(element, spec, board);
    [this.tones, this.details] = element.querySelectorAll("canvas");
    this.ringed = element.querySelector(".rings");
    this.cursor = element.querySelector(".cursor");
    this.pitch = FineGrid.pitch(spec);
    this.pen = this.tones.getContext("2d");
    this.picture = this.pen.createImageData(spec.cols, spec.rows);
    this.pixels = new Uint32Array(this.picture.data.buffer);
    this.rings = [];
    this.move(this.cells.findIndex(({ ref }) => ref));
    this.ground();
  }

  static pitch(block) {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const high = innerHeight - 22 * rem;  // what header, controls and dock leave
    const wide = Math.max(31 * rem, innerWidth) * 0.31 - 2 * rem;  // three side by side
    return Math.max(7, Math.min(12, Math.floor(wide / block.cols), Math.floor(high / block.rows)));
  }

  static html(block) {
    const { rows, cols } = block;
    const pitch = FineGrid.pitch(block);
    const size = `style="width:${cols * pitch}px;height:${rows * pitch}px"`;
    const ratio = Math.ceil(window.devicePixelRatio || 1) * pitch;
    return `<canvas class="tones" aria-hidden="true" width="${cols}" height="${rows}" ${size}></canvas>
      <canvas class="details" aria-hidden="true" width="${cols * ratio}" height="${rows * ratio}" ${size}></canvas>
      <div class="rings" aria-hidden="true"></div>
      <div role="row"><div class="cell cursor" role="gridcell" tabindex="0"></div></div>`;
  }

  // What is there before anything is chosen: colours by value, zeros that are no numbers, leftovers.
  ground() {
    const { plain, steps } = this.board.palette;
    this.base = Uint32Array.from(this.cells, ({ ref, role = "" }) =>
      ref && !role.includes("crop") ? steps[this.board.level(ref) + 4] : plain);
    this.detail();
    this.paint();
  }

  detail() {
    const { colours } = this.board.palette;
    const { cols, rows } = this.spec;
    const pen = this.details.getContext("2d");
    const scale = this.details.width / (cols * this.pitch);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, cols * this.pitch, rows * this.pitch);
    pen.fillStyle = colours.card;
    for (let c = 1; c <= cols; c++) pen.fillRect(c * this.pitch - 1, 0, 1, rows * this.pitch);
    for (let r = 1; r <= rows; r++) pen.fillRect(0, r * this.pitch - 1, cols * this.pitch, 1);
    this.cells.forEach((cell, place) => this.detailOf(pen, cell, ...this.corner(place)));
  }

  detailOf(pen, { ref, role = "" }, x, y) {
    const { colours } = this.board.palette;
    const size = this.pitch - 1;
    const dot = (left, top, colour) => { pen.fillStyle = colour; pen.fillRect(left, top, 2, 2); };
    if (ref && this.board.isChosen(ref)) dot(x, y, colours.ink);
    if (!ref && /pad|rest|gap/.test(role)) dot(x + size / 2 - 1, y + size / 2 - 1, colours.hatch);
    if (!/crop|unreached/.test(role)) return;
    pen.strokeStyle = colours.soft;
    pen.lineWidth = 0.7;
    pen.beginPath();
    pen.moveTo(x, y + size);
    pen.lineTo(x + size, y);
    pen.stroke();
  }

  corner(place) {
    return [(place % this.spec.cols) * this.pitch, Math.floor(place / this.spec.cols) * this.pitch];
  }

  kind(place, kind) {
    super.kind(place, kind);
    if (place === undefined || kind === "under") return;
    this.rings.push([place, kind]);
    this.later();
  }

  unmark(kind = null) {
    super.unmark(kind);
    this.rings = kind ? this.rings.filter(([, other]) => other !== kind) : [];
    this.later();
  }

  paint() {
    const { pairs, under } = this.board.palette;
    const shades = [0, ...pairs, under];
    for (let place = 0; place < this.base.length; place++)
      this.pixels[place] = this.marks[place] ? shades[this.marks[place]] : this.base[place];
    this.pen.putImageData(this.picture, 0, 0);
    const size = this.pitch - 1;
    const rings = this.rings.filter(([, kind]) => kind !== "added").map(([place, kind]) => {
      const [x, y] = this.corner(place);
      return `<i class="${kind}" style="left:${x}px;top:${y}px;width:${size}px;height:${size}px"></i>`;
    }).join("");
    if (rings !== this.drawn) this.ringed.innerHTML = this.drawn = rings;
  }

  // On paper an image stands for the canvases, which browsers print badly when they are scaled.
  print() {
    const both = Object.assign(document.createElement("canvas"), { width: this.details.width, height: this.details.height });
    const pen = both.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.tones, 0, 0, both.width, both.height);
    pen.drawImage(this.details, 0, 0);
    this.element.style.backgroundImage = `url(${both.toDataURL()})`;
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
    const { left, top } = this.tones.getBoundingClientRect();
    const column = Math.floor((event.clientX - left) / this.pitch);
    const row = Math.floor((event.clientY - top) / this.pitch);
    const inside = column >= 0 && row >= 0 && column < this.spec.cols && row < this.spec.rows;
    return inside ? row * this.spec.cols + column : -1;
  }
}

// The colours of the page as text for lines, and as numbers (red in the lowest byte) for pixels.
function colours() {
  const style = getComputedStyle(document.documentElement);
  const text = (name) => style.getPropertyValue(`--${name}`).trim();
  const bytes = (name) => [1, 3, 5].map((at) => parseInt(text(name).slice(at, at + 2), 16));
  const blend = (name, share, onto = "cell") =>
    bytes(name).map((byte, j) => Math.round(bytes(onto)[j] * (1 - share) + byte * share));
  const mix = (name, share) => {
    const [red, green, blue] = blend(name, share);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  };
  const share = parseFloat(text("mix")) / 100;
  const paired = (name) => ({ fill: `rgb(${blend(name, share, "card")})`, ring: text(name), thick: 2 });
  const names = Array.from({ length: 8 }, (_, p) => `p${p}`);
  const shares = [0, 0.12, 0.28, 0.48, 0.72];
  return {
    colours: Object.fromEntries(["card", "hatch", "ink", "soft"].map((name) => [name, text(name)])),
    plain: mix("card", 1),
    steps: Array.from({ length: 9 }, (_, j) => mix(j < 4 ? "minus" : "plus", shares[Math.abs(j - 4)])),
    pairs: names.map((name) => mix(name, 1)),
    under: mix("soft", 0.35),
    // Of a cell on a wash, by its mark: plain, eight pairs, under a window, and so without a number.
    looks: [
      { fill: text("cell") }, ...names.map(paired),
      { fill: text("cell"), ring: text("soft"), thick: 1 }, { fill: text("card"), ring: text("soft"), thick: 1 },
    ],
  };
}
