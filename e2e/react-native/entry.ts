// The app as the tests drive it: without its screens, which are in the bundle, too. React Native sets its globals
// before anything else.
import "react-native/Libraries/Core/InitializeCore";
import NetInfo from "@react-native-community/netinfo";
import SQLiteAdapter from "@nozbe/watermelondb/adapters/sqlite";
import { AppState, NativeModules } from "react-native";
import { callJson, safeSyncDatabase, storageName, syncLog, syncState, uuid, type Server } from "tidemark-client";
import type { Room } from "tidemark-client/documents";
import { reactNativePlatform, sqliteDocuments, type SqliteDatabase } from "tidemark-client/react-native";
import { Device, type Phone } from "../../examples/react-native/device";
import { textOf, write } from "../../examples/react-native/notebook";
import { migrations, schema } from "../../examples/react-native/schema";

let token: string;
let device: Device;
let room: Room;

// barePhone is what a phone without Expo gives: op-sqlite has the documents.
function barePhone(server: Server, subject: string): Phone {
  NativeModules.OpSQLite.open("documents.db");
  return {
    adapter: new SQLiteAdapter({ schema, migrations, dbName: storageName(server, subject), jsi: true }),
    documents: sqliteDocuments(NativeModules.OpSQLite as SqliteDatabase),
    platform: reactNativePlatform({ AppState, NetInfo }),
  };
}

// expoPhone is the phone of the app itself. Expo sets globals of its own: another fetch, whose bodies are streams, TextDecoder and others.
function expoPhone(server: Server, subject: string): Promise<Phone> {
  drive.expo();
  return require("../../examples/react-native/phone").openPhone(server, subject);
}

const notices: string[] = [];
const find = async (name: string) => {
  const found = (await device.customers().fetch()).find(({ companyName }) => companyName === name);
  if (!found) throw new Error(`no customer ${name}`);
  return found;
};

async function stored() {
  while (!room.stored) await new Promise((resolve) => setTimeout(resolve, 5));
}

const drive = {
  expo() {
    require("expo/virtual/streams.js"); // the command line of Expo puts it before each app
    require("expo");
  },
  globals: () => Object.getOwnPropertyNames(globalThis).sort(),

  /** Opens the device, with the phone of the app itself if `expo`, and keeps it in sync. */
  async open(url: string, space: string, subject: string, signedIn: string, expo: boolean) {
    token = signedIn;
    const server = { url, space, token: () => token };
    const phone: Phone = expo ? await expoPhone(server, subject) : barePhone(server, subject);
    device = new Device(server, subject, phone, {
      onRejected: (rejections) => notices.push(JSON.stringify(rejections)),
      onStorageError: (error) => notices.push(String(error.stack)),
    });
    device.start();
    room = device.openNotebook();
  },

  add: async (name: string) => void (await device.add(name)),
  rename: async (name: string, next: string) => void (await device.rename(await find(name), next)),
  remove: async (name: string) => void (await device.remove(await find(name))),
  names: async () => (await device.customers().fetch()).map(({ companyName }) => companyName),
  async sync() {
    const { error, ...state } = await safeSyncDatabase(device.database, device.source);
    return { ...state, error: error && String(error.stack) };
  },
  state() {
    const { error, ...state } = syncState(device.database).get();
    return { ...state, error: error && error.message, notices };
  },
  log: () => syncLog(device.database),
  unsynced: () => device.unsynced(),

  async text() {
    await stored();
    return textOf(room.doc).toString();
  },
  /** Types `<…>` after another one, at a place from 0 to 1, and resolves when the room counts it as stored. */
  async type(place: number, typed: string) {
    const text = textOf(room.doc);
    const before = text.toString();
    const at = before.lastIndexOf(">", place * before.length) + 1;
    write(text, before.slice(0, at) + typed + before.slice(at));
    await stored();
  },
  unsaved: () => room.unsaved,
  closeNotebook: () => room.destroy(),

  uuid,
  /** Keeps a session on the phone. */
  keep: (session: object) => require("../../examples/react-native/session").keepSession(session),
  /** Returns the session that is kept, with its subject. */
  async kept() {
    const { signedIn, subjectOf } = require("../../examples/react-native/session");
    const session = await signedIn();
    return { ...session, subject: subjectOf(session.token) };
  },
  /** Asks a server that must respond within a moment. */
  ask: (url: string) => callJson({ url, token: () => "", timeoutMillis: 100 }, "GET", "/healthz"),

  /** Loads the screens, as Expo does at the start. */
  screens: () => void require("../../examples/react-native/index"),
};

Object.assign(globalThis, { drive });
