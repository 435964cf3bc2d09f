// Field notes in a terminal: one device, which begins empty.
import { createInterface } from "node:readline";
import { safeSyncDatabase, storageName, syncTriggers } from "tidemark-client";
import { FieldNotes, subjectOf } from "./app";
import { inMemory } from "./memory";

const help = `  species                         the catalogue
  species NAME, LATIN NAME        adds to it: only an editor may
  places                          yours, and those of your teams
  place NAME [TEAM]               a new place, for a team if you name one
  rename NUMBER NAME              another name for a place
  visits                          yours
  visit NUMBER RATING [NOTE]      a visit to a place, with a rating from 1 to 5
  sync, help, quit`;

const [url, token, space = ""] = process.argv.slice(2);
if (!url || !token) {
  console.error("usage: main.js URL TOKEN [SPACE]");
  process.exit(2);
}

const server = { url, space, token: () => token };
const subject = subjectOf(token);
const notes = new FieldNotes(server, subject, inMemory(storageName(server, subject)), (rejections) => {
  for (const { table, column, reason } of rejections) console.log(`! ${table}, ${column ?? "the row"}: ${reason}`);
});

const list = (lines: string[]) => console.log(lines.length > 0 ? lines.join("\n") : "  none");

// placeAt returns the place with a number of the list.
async function placeAt(number: string) {
  const place = (await notes.places())[Number(number) - 1];
  if (!place) throw new Error(`no place has the number ${number}: see places`);
  return place;
}

const commands: Record<string, (words: string[]) => Promise<void> | void> = {
  help: () => console.log(help),
  async species(words) {
    if (words.length === 0) return list((await notes.species()).map(({ name, latin }) => `  ${name} (${latin})`));
    const [name = "", latin = ""] = words.join(" ").split(", ");
    await notes.addSpecies({ name, latin });
  },
  async places() {
    list((await notes.places()).map(({ name, ownerId, teamId }, i) => `  ${i + 1}. ${name}, of ${ownerId}${teamId ? ` and ${teamId}` : ""}`));
  },
  async place([name = "", team_id]) {
    await notes.addPlace({ name, ...(team_id ? { team_id } : {}) });
  },
  async rename([number = "", ...name]) {
    await notes.rename(await placeAt(number), name.join(" "));
  },
  async visits() {
    const names = new Map((await notes.places()).map(({ id, name }) => [id, name]));
    list((await notes.visits()).map(({ placeId, rating, note }) => `  ${names.get(placeId) ?? placeId}: ${rating} of 5${note ? `, ${note}` : ""}`));
  },
  async visit([number = "", rating = "", ...note]) {
    await notes.addVisit({ place_id: (await placeAt(number)).id, rating: Number(rating), note: note.join(" ") || null });
  },
  async sync() {
    const { phase, unsynced, error } = await safeSyncDatabase(notes.database, notes.source);
    console.log(`  ${phase}, ${unsynced} rows to send${error ? `: ${error.message}` : ""}`);
  },
};

async function run(line: string) {
  const [command = "", ...words] = line.trim().split(/\s+/);
  if (command === "") return;
  try {
    await (commands[command] ?? (() => console.log(`no command ${command}: see help`)))(words);
  } catch (error) {
    console.log((error as Error).message);
  }
}

async function talk() {
  const stop = syncTriggers(notes.database, notes.source, { server }); // from here on the kit syncs by itself
  console.log(`Field notes of ${subject}. Type help, or a command.`);
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: "> ", terminal: process.stdin.isTTY });
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() === "quit") break;
    await run(line);
    lines.prompt();
  }
  stop();
  const { unsynced } = await safeSyncDatabase(notes.database, notes.source);
  if (unsynced > 0) console.log(`The server does not have ${unsynced} rows, which end here.`);
  process.exit(0);
}

void talk();
