// The app as the tests drive it: without its screens, which are in the bundle, too. React Native sets its globals
// before anything else.
import "react-native/Libraries/Core/InitializeCore";
import NetInfo from "@react-native-community/netinfo";
import SQLiteAdapter from "@nozbe/watermelondb/adapters/sqlite";
import { AppState, NativeModules } from "react-native";
import { safeSyncDatabase, syncState, type Server } from "tidemark-client";
import type { Room } from "tidemark-client/documents";
import { reactNativePlatform, sqliteDocuments, type SqliteDatabase } from "tidemark-client/react-native";
import { Device, type Phone } from "../../examples/react-native/device";
import { textOf, write } from "../../examples/react-native/notebook";
import { migrations, schema } from "../../examples/react-native/schema";

let token: string;
let device: Device;
let room: Room;
let stop = () => {};

// barePhone is what a phone without Expo gives: op-sqlite has the documents.
function barePhone(subject: string): Phone {
  NativeModules.OpSQLite.open("documents.db");
  return {
    adapter: new SQLiteAdapter({ schema, migrations, dbName: subject, jsi: true }),
    documents: sqliteDocuments(NativeModules.OpSQLite as SqliteDatabase),
    platform: reactNativePlatform({ AppState, NetInfo }),
  };
}

// expoPhone is the phone of the app itself. Expo sets globals of its own: another fetch, whose bodies are streams, TextDecoder and others.
function expoPhone(server: Server, subject: string): Promise<Phone> {
  require("expo/virtual/streams.js"); // the command line of Expo puts it before each app
  return require("../../examples/react-native/phone").openPhone(server, subject);
}

const rejections: unknown[] = [];
const find = async (name: string) => {
  const found = (await device.customers().fetch()).find(({ companyName }) => companyName === name);
  if (!found) throw new Error(`no customer ${name}`);
  return found;
};

const drive = {
  globals: () => Object.getOwnPropertyNames(globalThis).sort(),

  /** Opens the device, with the phone of the app itself if `expo`, and keeps it in sync. */
  async open(url: string, subject: string, signedIn: string, expo: boolean) {
    token = signedIn;
    const server = { url, token: () => token };
    const phone: Phone = expo ? await expoPhone(server, subject) : barePhone(subject);
    device = new Device(server, subject, phone, (some) => rejections.push(...some));
    stop = device.start();
    room = device.openNotebook();
  },
  close: () => (stop(), room.destroy()),

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
    return { ...state, error: error && error.message, rejections };
  },

  text: () => textOf(room.doc).toString(),
  write: (typed: string) => write(textOf(room.doc), typed),
  unsaved: () => room.unsaved,

  /** Loads the screens, as Expo does at the start. */
  screens: () => void require("../../examples/react-native/index"),
};

export type Drive = typeof drive;
Object.assign(globalThis, { drive });
