// LokiJS brings no types.
declare module "lokijs" {
  export class LokiMemoryAdapter {}
}
