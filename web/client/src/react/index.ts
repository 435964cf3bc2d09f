export * from "./native.js";
export { CollaborativeLexicalEditor, type EditorProps } from "./CollaborativeLexicalEditor.js";
