// A short soak, with the faults of one seed. `make soak` is the long one.
import { test } from "node:test";
import { soak } from "./soak.mjs";

test("real clients, faults, and nothing is lost", { timeout: 900_000 }, async (t) => {
  t.diagnostic(await soak({ seconds: 45, seed: 3, say: (line) => t.diagnostic(line) }));
});
