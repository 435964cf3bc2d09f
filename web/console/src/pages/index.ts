// The pages of the console, in the order of the navigation.
import type { ComponentType } from "react";
import type { Permission } from "../me";
import { Documents } from "./Documents";
import { Overview } from "./Overview";
import { Projects } from "./Projects";
import { Rows } from "./Rows";
import { Spaces } from "./Spaces";
import { Tokens } from "./Tokens";

export interface PageKind {
  /** In the URL. */
  name: string;
  title: string;
  /** Without these permissions the page says what is missing. The directory of spaces and each space ask for others. */
  needs: Permission[];
  /** The page is of the root or of a space, and the header has the chooser. */
  placed: boolean;
  /** The page is offered only where the server signs tokens. */
  signs?: boolean;
  Component: ComponentType;
}

export const pages: PageKind[] = [
  { name: "overview", title: "Overview", needs: ["sync:admin"], placed: false, Component: Overview },
  { name: "spaces", title: "Spaces", needs: [], placed: false, Component: Spaces },
  { name: "rows", title: "Rows", needs: ["sync:admin"], placed: true, Component: Rows },
  { name: "documents", title: "Documents", needs: ["sync:admin", "yjs:read"], placed: true, Component: Documents },
  { name: "projects", title: "Projects", needs: ["sync:admin", "projects:read"], placed: true, Component: Projects },
  { name: "tokens", title: "Tokens", needs: ["sync:admin"], placed: false, signs: true, Component: Tokens },
];
