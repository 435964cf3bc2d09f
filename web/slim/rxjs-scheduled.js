// RxJS' sources with a scheduler. WatermelonDB gives them none.
export const scheduled = undefined;
