// Structured sync of the root beside the plain TypeScript worker of peer/.
import { compareRows, fanOut } from "./rows.mjs";
import { onWazero, onWorkerd, peer } from "./targets.mjs";

export async function sync(section) {
  const targets = { "TypeScript on workerd": await peer(), workerd: await onWorkerd(), wazero: await onWazero() };
  for (const target of Object.values(targets)) target.base = "";
  const peers = { "": "TypeScript on workerd" };
  await compareRows(section, "Structured sync", targets, peers);
  await fanOut(section, targets, peers);
  for (const target of Object.values(targets)) await target.close();
}
