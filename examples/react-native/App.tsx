import { useEffect, useState, useSyncExternalStore } from "react";
import { ActivityIndicator, Alert, Button, FlatList, SafeAreaView, StyleSheet, Text, TextInput, View } from "react-native";
import { safeSyncDatabase, syncState } from "tidemark-client";
import type { Room } from "tidemark-client/documents";
import { Device, type Notices } from "./device";
import type { Customer } from "./models";
import { textOf, write } from "./notebook";
import { openPhone } from "./phone";
import { devLogin, forgetSession, keepSession, signedIn, subjectOf, type Session } from "./session";

export default function App() {
  const [session, setSession] = useState<Session | null>();
  useEffect(() => void signedIn().then(setSession), []);
  if (session === undefined) return <ActivityIndicator />;
  const begin = (next: Session) => void keepSession(next).then(() => setSession(next));
  const end = () => void forgetSession().then(() => setSession(null));
  return (
    <SafeAreaView style={styles.page}>
      {session === null ? <SignIn onSession={begin} /> : <SignedIn key={session.token} session={session} onSignOut={end} />}
    </SafeAreaView>
  );
}

function SignIn({ onSession }: { onSession(session: Session): void }) {
  const [url, setUrl] = useState("http://localhost:8787");
  const [token, setToken] = useState("");
  const [name, setName] = useState("");
  const withName = () => devLogin(url, name).then(onSession, (error) => Alert.alert("Not signed in", error.message));
  return (
    <View>
      <TextInput style={styles.input} value={url} onChangeText={setUrl} accessibilityLabel="Server" autoCapitalize="none" />
      <TextInput style={styles.input} value={token} onChangeText={setToken} accessibilityLabel="Token" placeholder="Token" autoCapitalize="none" />
      <Button title="Sign in with the token" disabled={token === ""} onPress={() => onSession({ url, token })} />
      <TextInput style={styles.input} value={name} onChangeText={setName} accessibilityLabel="Name" placeholder="Name, on a development server" autoCapitalize="none" />
      <Button title="Sign in with the name" disabled={name === ""} onPress={withName} />
    </View>
  );
}

// The device is open while this component is on the screen.
function SignedIn({ session, onSignOut }: { session: Session; onSignOut(): void }) {
  const [device, setDevice] = useState<Device | null>(null);
  useEffect(() => {
    const server = { url: session.url, token: () => session.token };
    const subject = subjectOf(session.token);
    let stop: (() => void) | undefined;
    let closed = false;
    void openPhone(server, subject).then((phone) => {
      if (closed) return;
      const opened = new Device(server, subject, phone, notices);
      stop = opened.start();
      setDevice(opened);
    });
    return () => {
      closed = true;
      stop?.();
    };
  }, [session]);
  if (device === null) return <ActivityIndicator />;
  const leave = async () => {
    const { total, tables, rooms } = await device.unsynced();
    if (total === 0) return onSignOut();
    const lines = Object.entries(tables).map(([table, { created, updated, deleted }]) => `${table}: ${created} new, ${updated} edited, ${deleted} deleted`);
    const text = [...lines, ...rooms.map(({ id }) => `${id}: edited`), "It stays on this phone, and goes to the server when you sign in here again."].join("\n");
    Alert.alert("The server does not have this yet", text, [{ text: "Stay", style: "cancel" }, { text: "Sign out", onPress: onSignOut }]);
  };
  return (
    <>
      <Status device={device} />
      <Customers device={device} />
      <Notebook device={device} />
      <Button title={`Sign out ${device.subject}`} onPress={() => void leave()} />
    </>
  );
}

const notices: Notices = {
  onRejected: (rejections) => Alert.alert("The server did not take your edit", rejections.map(({ column, reason }) => `${column ?? "The row"}: ${reason}`).join("\n")),
  onStorageError: ({ message }) => Alert.alert("This phone did not store your edit", message),
};

function Status({ device }: { device: Device }) {
  const live = syncState(device.database);
  const { phase, unsynced, error } = useSyncExternalStore(live.subscribe, live.get);
  return (
    <View style={styles.row}>
      <Text accessibilityLiveRegion="polite">{`${phase}, ${unsynced} to send${error ? `: ${error.message}` : ""}`}</Text>
      <Button title="Sync" onPress={() => void safeSyncDatabase(device.database, device.source)} />
    </View>
  );
}

function Customers({ device }: { device: Device }) {
  const [customers, setCustomers] = useState<Customer[]>([]);
  const [name, setName] = useState("");
  useEffect(() => {
    const subscription = device.customers().observeWithColumns(["company_name"]).subscribe((rows) => setCustomers([...rows]));
    return () => subscription.unsubscribe();
  }, [device]);
  const add = () => void device.add(name).then(() => setName(""));
  return (
    <>
      <View style={styles.row}>
        <TextInput style={styles.input} value={name} onChangeText={setName} accessibilityLabel="New customer" placeholder="New customer" />
        <Button title="Add" disabled={name === ""} onPress={add} />
      </View>
      <FlatList
        data={customers}
        keyExtractor={({ id }) => id}
        renderItem={({ item }) => (
          <View style={styles.row}>
            <TextInput
              style={styles.input}
              key={item.companyName}
              defaultValue={item.companyName}
              accessibilityLabel="Customer"
              onEndEditing={({ nativeEvent: { text } }) => void (text === item.companyName || device.rename(item, text))}
            />
            <Button title="Delete" accessibilityLabel={`Delete ${item.companyName}`} onPress={() => void device.remove(item)} />
          </View>
        )}
      />
    </>
  );
}

function Notebook({ device }: { device: Device }) {
  const [room, setRoom] = useState<Room | null>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    const opened = device.openNotebook();
    const show = () => setText(textOf(opened.doc).toString());
    opened.doc.on("update", show);
    setRoom(opened);
    return () => void opened.destroy();
  }, [device]);
  return (
    <TextInput
      style={styles.notebook}
      multiline
      value={text}
      editable={room !== null}
      accessibilityLabel="Notebook"
      placeholder="The notebook of all"
      onChangeText={(typed) => room && write(textOf(room.doc), typed)}
    />
  );
}

const styles = StyleSheet.create({
  page: { flex: 1, padding: 16 },
  row: { flexDirection: "row", alignItems: "center", gap: 8 },
  input: { flex: 1, borderBottomWidth: 1, minHeight: 44 },
  notebook: { minHeight: 120, borderWidth: 1, padding: 8, textAlignVertical: "top" },
});
