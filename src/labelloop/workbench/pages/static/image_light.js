// Brightness and contrast of the images to label. They stay for the next images, because a series is often dark throughout.

const STEP = 20; // percent

export class ImageLight {
  /** `image()` returns the image that is shown. */
  constructor(image) {
    this.image = image;
    this.sliders = { brightness: document.getElementById("brightness"), contrast: document.getElementById("contrast") };
    this.summary = document.getElementById("light-summary");
    this.resetButton = document.getElementById("light-reset");
    for (const slider of Object.values(this.sliders)) slider.addEventListener("input", () => this.apply());
    this.resetButton.addEventListener("click", () => this.reset());
  }

  /** Changes one of the two by a step. Returns what it is now, in words. */
  step(name, direction) {
    const slider = this.sliders[name];
    slider.value = String(Number(slider.value) + STEP * direction);
    this.apply();
    return `${name} ${slider.value} %`;
  }

  reset() {
    for (const slider of Object.values(this.sliders)) slider.value = "100";
    this.apply();
  }

  /** Gives the image that is shown now what is set. */
  apply() {
    const { brightness, contrast } = this.sliders;
    const isChanged = brightness.value !== "100" || contrast.value !== "100";
    this.image().style.filter = isChanged ? `brightness(${brightness.value}%) contrast(${contrast.value}%)` : "";
    for (const slider of [brightness, contrast]) slider.setAttribute("aria-valuetext", `${slider.value} %`);
    this.summary.textContent = isChanged
      ? `Brightness ${brightness.value} %, contrast ${contrast.value} %`
      : "Brightness, contrast";
    this.resetButton.disabled = !isChanged;
  }
}
