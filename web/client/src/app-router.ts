// The procedures of the server at /trpc.
import type { Changes } from "./changes.js";
import type { TRPCBuiltRouter, TRPCDefaultErrorShape, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";

interface PullInput {
  lastPulledAt?: number | null;
  schemaVersion?: number;
  migration?: { from: number; tables: string[]; columns: { table: string; columns: string[] }[] } | null;
  limit?: number;
  cursor?: string;
}

interface PullOutput {
  changes: Changes;
  timestamp: number;
  experimentalStrategy?: "replacement";
  cursor?: string;
}

interface PushInput {
  changes: Changes;
  lastPulledAt: number | null;
  conflict?: "abort";
}

interface PushOutput {
  timestamp: number;
  applied: Record<string, { created: number; updated: number; deleted: number }>;
  superseded: Record<string, string[]>;
  ignored: Record<string, string[]>;
}

export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: TRPCDefaultErrorShape; transformer: false },
  {
    sync: {
      pull: TRPCQueryProcedure<{ input: PullInput; output: PullOutput; meta: object }>;
      push: TRPCMutationProcedure<{ input: PushInput; output: PushOutput; meta: object }>;
    };
  }
>;
