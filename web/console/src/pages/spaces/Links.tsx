import { hrefIn } from "../../route";

/** The links to the pages of a place. */
export const Links = ({ place }: { place: string }) => (
  <span className="links">
    {["rows", "documents", "projects"].map((page) => (
      <a key={page} href={hrefIn(place, [page])} aria-label={`${page} of ${place === "" ? "the root" : place}`}>{page}</a>
    ))}
  </span>
);
