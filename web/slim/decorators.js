// The decorators of WatermelonDB that the demo uses. Its own index brings all of them.
export { default as date } from "@nozbe/watermelondb/decorators/date";
export { default as field } from "@nozbe/watermelondb/decorators/field";
export { default as readonly } from "@nozbe/watermelondb/decorators/readonly";
export { default as text } from "@nozbe/watermelondb/decorators/text";
