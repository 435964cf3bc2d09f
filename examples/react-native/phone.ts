// What the app takes from the phone: SQLite for rows and for documents, its state and its connection.
import NetInfo from "@react-native-community/netinfo";
import SQLiteAdapter from "@nozbe/watermelondb/adapters/sqlite";
import { openDatabaseAsync } from "expo-sqlite";
import { AppState } from "react-native";
import { storageName, type Server } from "tidemark-client";
import { reactNativePlatform, sqliteDocuments } from "tidemark-client/react-native";
import type { Phone } from "./device";
import { migrations, schema } from "./schema";

export const platform = reactNativePlatform({ AppState, NetInfo });

/** Returns the adapter of a person's rows. Each person on each server has a database. */
export const rowsOf = (server: Server, subject: string) =>
  new SQLiteAdapter({ schema, migrations, dbName: storageName(server, subject), jsi: true });

/** Opens what a person has on this phone. The documents have a database of their own, for all people. */
export async function openPhone(server: Server, subject: string): Promise<Phone> {
  const documents = sqliteDocuments(await openDatabaseAsync("documents.db"));
  return { adapter: rowsOf(server, subject), documents, platform };
}
