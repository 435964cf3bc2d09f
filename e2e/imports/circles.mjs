// The import circles of TypeScript and JavaScript files.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

/**
 * The relative imports of a source text, in order: import and export declarations, of types too,
 * import types, and calls of import() with a literal.
 */
export function importsOf(file, text) {
  const found = [];
  const visit = (node) => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier
      : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) ? node.argument.literal
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0]
      : undefined;
    if (specifier && ts.isStringLiteral(specifier) && specifier.text.startsWith(".")) found.push(specifier.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return found;
}

/**
 * The file that a relative import names. TypeScript writes .js, or no extension, for a .ts or .tsx file.
 * A name without a file is returned as it is: a build makes some files.
 */
function resolve(importer, specifier) {
  const name = path.join(path.dirname(importer), specifier);
  const stem = name.replace(/\.js$/, "");
  return [`${stem}.ts`, `${stem}.tsx`].find((candidate) => existsSync(candidate)) ?? name;
}

/** The imports of files, as a Map from each file to the files that it imports. */
export function importGraph(files) {
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(file, "utf8")).map((specifier) => resolve(file, specifier))]));
}

/** One circle for each import that closes one, as the list of its files. */
export function circles(graph) {
  const found = [];
  const done = new Set();
  const walk = (file, trail) => {
    if (trail.includes(file)) found.push([...trail.slice(trail.indexOf(file)), file]);
    else if (!done.has(file)) for (const next of graph.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}
