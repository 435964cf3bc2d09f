/** The page Spaces. */
export function Spaces() {
  return <h1>Spaces</h1>;
}
