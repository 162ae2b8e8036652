// The sign-out button, on every page.

import { post } from "./api.js";

document.getElementById("sign-out")?.addEventListener("click", async () => {
  await post("/api/sign-out", {}).catch(() => null);
  location.assign("/sign-in");
});
