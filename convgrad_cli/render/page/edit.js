// Pointer, keyboard and editing: all through the stage's own listeners, none per cell.

const MOVES = {
  ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
  Home: [0, -Infinity], End: [0, Infinity],
};

function startEditing(page) {
  const stage = byId("stage");
  let waiting = null;
  stage.addEventListener("pointerover", (event) => {
    const cell = event.target.closest?.(".cell[data-a]");
    if (!cell || event.pointerType === "touch" || stage.querySelector("input")) return;
    const first = waiting === null;
    waiting = cell;
    if (first) requestAnimationFrame(() => { pointAt(page, waiting); waiting = null; });
  });
  stage.addEventListener("pointermove", (event) => {
    if (event.target.tagName !== "CANVAS" || event.pointerType === "touch" || stage.querySelector("input")) return;
    const fine = page.board.fineOf(event.target);
    const place = fine.under(event);
    if (place < 0 || place === fine.place) return;
    fine.move(place);
    const first = waiting === null;
    waiting = fine.cursor;
    if (first) requestAnimationFrame(() => { pointAt(page, waiting); waiting = null; });
  });
  stage.addEventListener("click", (event) => {
    let cell = event.target.closest?.(".cell");
    if (event.target.tagName === "CANVAS") {
      const fine = page.board.fineOf(event.target);
      fine.move(fine.under(event));
      cell = fine.cursor;
    }
    if (!cell || event.target.tagName === "INPUT") return;
    const again = cell === document.activeElement;
    focusCell(page, cell);
    if (again || event.detail === 2) edit(page, cell);
  });
  stage.addEventListener("focusin", (event) => {
    if (event.target.matches?.(".cell[data-a]")) pointAt(page, event.target);
  });
  stage.addEventListener("keydown", (event) => {
    if (event.target.tagName === "INPUT" || !event.target.matches(".cell")) return;
    const cell = event.target;
    if (MOVES[event.key]) {
      event.preventDefault();
      focusCell(page, neighbour(page, cell, MOVES[event.key], event.ctrlKey));
    } else if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault();
      edit(page, cell);
    } else if (/^[-0-9.]$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      edit(page, cell, event.key);
    }
  });
}

function pointAt(page, cell) {
  if (!cell?.isConnected || !cell.dataset.a) return;
  if (page.player.timer) page.player.pause();
  page.choose(cell.dataset.a, Number(cell.dataset.i));
  page.player.at(cell.dataset.a, Number(cell.dataset.i));
}

function neighbour(page, cell, [down, right], whole) {
  const grid = cell.closest(".grid");
  const fine = cell.classList.contains("cursor") ? page.board.fineOf(cell) : null;
  const cells = fine ? fine.cells : Array.from(grid.querySelectorAll(".cell"));
  const cols = Number(grid.dataset.cols);
  const rows = cells.length / cols;
  const at = fine ? fine.place : cells.indexOf(cell);
  const clamp = (value, size) => Math.max(0, Math.min(size - 1, value));
  const corner = whole && !Number.isFinite(right);
  const row = corner ? (right < 0 ? 0 : rows - 1) : clamp(Math.floor(at / cols) + down, rows);
  const place = row * cols + clamp((at % cols) + right, cols);
  if (!fine) return cells[place];
  fine.move(place);
  return cell;
}

function focusCell(page, cell) {
  const grid = cell.closest(".grid");
  grid.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
  cell.setAttribute("tabindex", "0");
  cell.focus();
  pointAt(page, cell);
}

// A given number is edited in its own cell: Enter or leaving keeps it, Escape does not.
function edit(page, cell, typed = null) {
  const { a: name, i } = cell.dataset;
  if (!name || !page.model.given.includes(name) || cell.querySelector("input")) return;
  const plate = page.plates[name];
  const input = document.createElement("input");
  input.value = typed ?? String(plate.values[i]);
  input.inputMode = "decimal";
  input.setAttribute("aria-label", `${name}, new number`);
  if (cell.classList.contains("cursor")) cell.textContent = "";
  cell.append(input);
  input.focus();
  if (typed === null) input.select();
  const close = (keep, refocus) => {
    const value = parseNumber(input.value);
    if (keep && value === null) return say(`“${input.value}” is not a number.`, input);
    input.onblur = null;
    input.remove();
    page.board.fineOf(cell)?.move(page.board.fineOf(cell).place);
    if (refocus) cell.focus();
    if (keep && value !== plate.values[i]) setNumber(page, name, Number(i), value);
    return null;
  };
  input.onblur = () => close(parseNumber(input.value) !== null, false);
  input.onkeydown = (event) => {
    if (event.key === "Enter") close(true, true);
    if (event.key === "Escape") close(false, true);
    event.stopPropagation();
  };
}

function parseNumber(text) {
  const plain = text.trim().replace(/−/g, "-").replace(",", ".");
  const [above, below, ...rest] = plain.split("/").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const value = below === undefined ? above : above / below;
  return rest.length || !Number.isFinite(value) ? null : value;
}

function setNumber(page, name, flat, value) {
  page.plates[name].values[flat] = value;
  page.board.refresh({ [name]: [flat] });
  page.update();
  for (const cell of page.board.cells[name]?.[flat] || [])
    cell.classList.toggle("edited", page.plates[name].edited(flat));
  warnOfRounding(page);
}

function resetArrays(page) {
  for (const name of page.model.given)
    page.plates[name].values.set(page.plates[name].original.map(Number));
  page.model.evaluate(page.plates);
  redraw(page, true);
  say("All numbers are as they were given.");
}

function say(text, input = null) {
  input?.setAttribute("aria-invalid", "true");
  byId("message").textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { byId("message").textContent = ""; }, 4000);
}

// Numbers here are doubles: whole numbers are exact up to 2^53, and the page says so beyond.
function warnOfRounding(page) {
  const large = Object.values(page.plates).some((plate) =>
    plate.values.some((value) => Math.abs(value) > Number.MAX_SAFE_INTEGER && Number.isFinite(value)));
  byId("rounding").hidden = !large;
}
