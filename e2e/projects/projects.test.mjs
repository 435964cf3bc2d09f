// Real WatermelonDB clients of projects on each host.
import { doors, onWorkerd } from "../doors.mjs";
import { projects } from "./suite.mjs";

for (const [name, open] of Object.entries(doors)) projects(name, open);
for (const [name, open] of onWorkerd(doors)) projects(name, open, "acme");
