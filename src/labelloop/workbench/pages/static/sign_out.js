// The sign-out button, on every page.

import { post } from "./api.js";

document.getElementById("sign-out")?.addEventListener("click", async () => {
  const answer = await post("/api/sign-out", {}).catch(() => null);
  location.assign(answer?.location ?? "/");
});
