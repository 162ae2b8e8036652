// The form in which people enter their name.

import { post } from "./api.js";
import { ready } from "./ready.js";

const form = document.getElementById("sign-in");
const problem = document.getElementById("problem");
const name = document.getElementById("name");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/api/sign-in", { name: name.value });
    location.assign(form.dataset.next);
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    name.setAttribute("aria-invalid", "true");
    name.focus();
  }
});
ready();
