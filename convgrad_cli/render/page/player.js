// The player: play, pause, step and speed through the steps of a view.

class Player {
  constructor(page) {
    this.page = page;
    this.timer = null;
    this.button = document.getElementById("play");
    this.slider = document.getElementById("position");
    this.label = document.getElementById("count");
    this.speed = document.getElementById("speed");
    this.button.addEventListener("click", () => (this.timer ? this.pause() : this.play()));
    document.getElementById("back").addEventListener("click", () => this.move(-1));
    document.getElementById("forward").addEventListener("click", () => this.move(1));
    this.slider.addEventListener("input", () => { this.pause(); this.go(Number(this.slider.value) - 1); });
    this.speed.addEventListener("input", () => { if (this.timer) { this.pause(); this.play(); } });
  }

  steps() {
    return this.page.steps();
  }

  go(step) {
    const steps = this.steps();
    this.page.state.step = Math.max(0, Math.min(step, steps.length - 1));
    this.page.choose(...steps[this.page.state.step]);
    this.show();
  }

  move(by) {
    this.pause();
    this.go(this.page.state.step + by);
  }

  // A cell that was pointed at becomes the place that play goes on from.
  at(name, flat) {
    const step = this.steps().findIndex(([array, place]) => array === name && place === flat);
    if (step >= 0) {
      this.page.state.step = step;
      this.show();
    }
  }

  show() {
    const steps = this.steps().length;
    this.slider.max = steps;
    this.slider.value = this.page.state.step + 1;
    this.label.style.width = `${2 * String(steps).length + 4}ch`;
    this.label.textContent = `${this.page.state.step + 1} / ${steps}`;
  }

  play() {
    if (this.page.state.step >= this.steps().length - 1) this.go(0);
    const pause = 1600 / Number(this.speed.value);
    this.timer = setInterval(() => {
      this.go(this.page.state.step + 1);
      if (this.page.state.step >= this.steps().length - 1) this.pause();
    }, pause);
    this.dress(true);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.dress(false);
  }

  dress(playing) {
    this.button.classList.toggle("playing", playing);
    this.button.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.page.dock.spoken.setAttribute("aria-live", playing ? "off" : "polite");
  }
}
