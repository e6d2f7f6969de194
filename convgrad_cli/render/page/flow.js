// Long lines of terms: the first ones stand there at once, and where the pointer rests the others
// follow, a few a frame, so that a moving pointer never waits for what nobody reads.

const AT_ONCE = { terms: 9, parts: 4 };
const A_FRAME = 12;
const REST = 100;  // ms without another line asked for

class Flow {
  constructor(body) {
    this.body = body;
    this.clear();
  }

  clear() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.waiting = [];
    this.body.removeAttribute("aria-busy");
  }

  // HTML of the first `first` of `count` pieces; one(j) writes a piece, `tail` follows the last.
  line(count, one, first, tail) {
    const most = Math.min(count, TERMS_SHOWN);
    const html = Array.from({ length: Math.min(first, most) }, (_, j) => one(j)).join("");
    const more = count > TERMS_SHOWN ? tail(count - TERMS_SHOWN) : "";
    if (most <= first) return html + more;
    this.waiting.push({ next: first, most, one });
    return `${html}<span class="rest"></span>${more}`;
  }

  // What line() left out goes before its mark.
  start() {
    const marks = this.body.querySelectorAll(".rest");
    this.waiting.forEach((line, j) => { line.mark = marks[j]; });
    if (!this.waiting.length) return;
    this.body.setAttribute("aria-busy", "true");
    const fill = () => {
      for (const line of this.waiting) {
        const stop = Math.min(line.most, line.next + A_FRAME);
        let html = "";
        for (; line.next < stop; line.next++) html += line.one(line.next);
        line.mark.insertAdjacentHTML("beforebegin", html);
      }
      this.waiting = this.waiting.filter((line) => line.next < line.most);
      if (this.waiting.length) this.frame = requestAnimationFrame(fill);
      else this.clear();
    };
    this.timer = setTimeout(() => { this.frame = requestAnimationFrame(fill); }, REST);
  }
}
