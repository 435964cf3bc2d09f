// How long tests took, as `go test -v` and node's reporter spec print it.

const go = /^\s*--- (?:PASS|FAIL): (\S+) \(([\d.]+)s\)$/;
const node = /^(\s*)[✔✖] (.+) \(([\d.]+)ms\)$/u;
const suite = /^(\s*)▶ (.+)$/u;

/** The tests of an output, as {name, seconds}, without those that others are within. */
export function testsIn(output) {
  const tests = [];
  const suites = new Set();
  for (const line of output.split("\n")) {
    const [, goName, seconds] = go.exec(line) ?? [];
    if (goName) tests.push({ name: goName, seconds: Number(seconds) });
    const [, suiteIndent, suiteName] = suite.exec(line) ?? [];
    if (suiteName) suites.add(suiteIndent + suiteName);
    const [, indent, name, millis] = node.exec(line) ?? [];
    if (name && !suites.has(indent + name)) tests.push({ name, seconds: Number(millis) / 1000 });
    if (/^✖ failing tests:/u.test(line)) break; // which it has printed before
  }
  const around = new Set(tests.flatMap(({ name }) => (name.startsWith("Test") ? [name.slice(0, Math.max(0, name.lastIndexOf("/")))] : [])));
  return tests.filter(({ name }) => !around.has(name));
}

/** Ten lines at most, the slowest first. */
export function describeSlowest(all) {
  return all.toSorted((a, b) => b.seconds - a.seconds).slice(0, 10)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)}s  ${name}`).join("\n");
}
