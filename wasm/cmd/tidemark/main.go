//go:build !js

// Command tidemark runs the guest as a server of one's own, under wazero, with
// its data in a folder:
//
//	tidemark serve --addr 127.0.0.1:8787 --data DIR [--config wrangler.toml] [--tables tables.toml] [--wasm FILE] [--assets DIR]
//	    [--instances N] [--open-files N] [--memory 2G] [--max-connections N] [--max-connections-per-address N] [--grace 20s]
//	    [--metrics-addr 127.0.0.1:9464|off] [--log text|json] [--dev [--dev-any-address]]
//	    [--backup-to FOLDER] [--backup-every 1h] [--backup-keep 24]
//	tidemark token --data DIR --sub alice [--scope "…"] [--spaces "…"] [--claims '{"teams":["a"]}'] [--ttl 720h]
//	tidemark token --data DIR --operator [--sub alice] [--spaces "…"] [--ttl 24h]
//	tidemark backup --data DIR --to FOLDER
//	tidemark restore --from FOLDER --data DIR [--config wrangler.toml] [--tables tables.toml] [--wasm FILE]
//	tidemark restored --url URL [--token TOKEN | --data DIR]
//	tidemark purge --url URL [--token TOKEN | --data DIR] [--keep-days 90]
//	tidemark revoke --url URL --sub NAME|--jti ID [--token TOKEN | --data DIR] [--ttl 720h]
//	tidemark spaces list --url URL [--token TOKEN | --data DIR] [--prefix P]
//	tidemark spaces info|pause|resume|delete --url URL [--token TOKEN | --data DIR] NAME
//	tidemark export --url URL [--token TOKEN | --data DIR] [--space NAME] [-o FILE]
//	tidemark import --url URL [--token TOKEN | --data DIR] --space NAME FILE
//	tidemark health [--url http://127.0.0.1:8787]
//	tidemark version
//	tidemark tables check [--file tables.toml] [--types DIR]... [--built FILE] [--migrations DIR] [--json]
//	tidemark tables migrate [--file tables.toml] [--forget TABLE,...] [--built FILE] [--migrations DIR]
//	tidemark tables types [--file tables.toml] --out DIR [--only app-router|schema]
//
// A released binary has all that it serves inside. --config, --wasm, --tables and --assets replace
// a part of it: the configuration, the guest, the declaration of the tables, the static files. A
// folder that a configuration names and that is not beside it comes from inside. A binary of a
// checkout reads the wrangler.toml of the working folder, or the one of --config, and without
// --wasm builds the guest first if it can. The tables of the app are those of --tables, or of a
// tables.toml beside the wrangler.toml, or of the variable TABLES, or else those inside. Before it serves,
// serve adds to the database the tables and columns that are new in the file. It refuses to
// start if the database would lose data. The port is that of --addr or, without it, PORT.
// Prometheus reads the metrics at --metrics-addr, and never at the port of the clients.
// With --dev it prints a token, the address of the console and an operator's token, and
// /dev/login gives anyone on this machine a token for any name, also an operator's; serve then refuses an address that is
// not loopback unless --dev-any-address is given, too. token prints a token and nothing else. With
// --operator it has every permission, in the root and in all spaces. Its
// --spaces is a list of globs with commas between, or the JSON of the claim spaces. Its
// --claims is a JSON object of other claims, which the rules of tables may read.
//
// backup makes a backup of a data folder, or has the server do it that uses the folder. With --backup-to,
// serve makes one by itself after each --backup-every, and keeps the last --backup-keep. restore verifies a
// backup, makes a data folder of it, and sets the floors of the root and of all spaces there. It keeps the
// folder that was there.
//
// restored, purge and revoke send a request to a running server, this one or one on
// Cloudflare, and print its response. restored belongs after another restoration of the
// server's database to an earlier point. purge deletes old tombstones, and repeats its
// request until none of them is left. revoke ends one token, or all tokens of a
// subject, and their sockets. The server forgets the revocation after --ttl, which
// must be at least the life of such a token. spaces lists the spaces, says what one
// holds, and deletes one with all that it holds. restored and purge are about the root, or
// about --space NAME. Their token needs the scope sync:admin, or spaces:admin to list and
// to delete; without --token they sign one.
//
// export writes all that a server has, or one of its spaces, to a file or to standard
// output, and import sends such a file, or standard input if FILE is -, to an empty space.
// If an import fails on its way, the same command goes on with it.
//
// tables makes files from tables.toml, the declaration of the app's tables, in a checkout of
// this repository. check says every mistake in it, and what is not up to date: declared.go
// and the migrations (--built and --migrations say where they are), and the TypeScript in
// the folders of --types. With --file and without --built it looks at that file and the
// TypeScript only, as for serve --tables. With --json it prints the declaration for the
// guest's variable TABLES instead. migrate writes the next migration of D1, and declared.go, which
// builds the tables into the guest. It refuses what would lose data. The tables that
// --forget names may be gone from the file: they stay in the database, and apps lose them.
// types writes app-router.ts, the type of the tRPC router, and schema.ts, the schema and
// the migrations of WatermelonDB, or one of them.
//
// health asks a server's /readyz. It exits with 1 unless the server is ready, and says what
// fails. version names the release, the commit, Go, wazero, and the numbers of the ABI and of the
// storage: a server refuses a folder that has a larger storage number.
//
// All others sign with AUTH_SECRET or, without it, with the secret in --secret-file, by
// default the file DIR.secret beside the data folder. serve or token generates the
// secret if there is none. Where AUTH_JWKS, AUTH_JWKS_URL or AUTH_ISSUER is set,
// they generate none, and the server trusts no HS256 unless AUTH_SECRET or
// --secret-file is set, too.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
)

const usage = `usage:
  tidemark serve [--data data] [--addr 127.0.0.1:8787] [--config wrangler.toml] [--tables tables.toml] [--wasm FILE] [--assets DIR]
      [--instances N] [--open-files N] [--memory 2G] [--max-connections N] [--max-connections-per-address N] [--grace 20s]
      [--metrics-addr 127.0.0.1:9464|off] [--log text|json] [--dev [--dev-any-address]]
      [--backup-to FOLDER] [--backup-every 1h] [--backup-keep 24]
  tidemark token [--data data] --sub NAME [--scope "…"] [--spaces "…"] [--claims '{"teams":["a"]}'] [--ttl 720h]
  tidemark token [--data data] --operator [--sub NAME] [--spaces "…"] [--ttl 24h]
  tidemark backup --data DIR --to FOLDER
  tidemark restore --from FOLDER --data DIR [--config wrangler.toml] [--tables tables.toml] [--wasm FILE]
  tidemark restored --url URL [--token TOKEN | --data DIR]
  tidemark purge --url URL [--token TOKEN | --data DIR] [--keep-days 90]
  tidemark revoke --url URL --sub NAME|--jti ID [--token TOKEN | --data DIR] [--ttl 720h]
  tidemark spaces list --url URL [--token TOKEN | --data DIR] [--prefix P]
  tidemark spaces info|pause|resume|delete --url URL [--token TOKEN | --data DIR] NAME
  tidemark export --url URL [--token TOKEN | --data DIR] [--space NAME] [-o FILE]
  tidemark import --url URL [--token TOKEN | --data DIR] --space NAME FILE
  tidemark health [--url http://127.0.0.1:8787]
  tidemark version
  tidemark tables check [--file tables.toml] [--types DIR]… [--built FILE] [--migrations DIR] [--json]
  tidemark tables migrate [--file tables.toml] [--forget TABLE,…] [--built FILE] [--migrations DIR]
  tidemark tables types [--file tables.toml] --out DIR [--only app-router|schema]
restored and purge take --space NAME, too.
The secret of tokens is in AUTH_SECRET, or in --secret-file FILE (DIR.secret).
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tidemark:", err)
		os.Exit(1)
	}
}

// commands are what `tidemark NAME` does with the arguments behind the name.
var commands = map[string]func(c *invocation) error{
	"serve":    runServe,
	"token":    runToken,
	"backup":   runBackup,
	"restore":  runRestore,
	"restored": runRestored,
	"purge":    runPurge,
	"revoke":   runRevoke,
	"spaces":   runSpaces,
	"export":   runExport,
	"import":   runImport,
	"health":   runHealth,
	"version":  runVersion,
	"tables":   func(c *invocation) error { return runTables(c.args, os.Stdout) },
	"help":     help, "-h": help, "--help": help,
}

// An invocation is a call of one of the commands.
type invocation struct {
	name  string
	args  []string // behind the name
	flags *flag.FlagSet
	log   *slog.Logger
}

func run(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	name := args[0]
	do := commands[name]
	if do == nil {
		return fmt.Errorf("no command %q\n%s", name, usage)
	}
	return do(&invocation{
		name: name, args: args[1:], flags: flag.NewFlagSet("tidemark "+name, flag.ExitOnError),
		log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// parse reads the flags, and nothing else may be there. It exits after an error in a flag.
func (c *invocation) parse() error {
	c.flags.Parse(c.args)
	if rest := c.flags.Args(); len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q", rest[0])
	}
	return nil
}

// secret adds the flags that say where the secret is.
func (c *invocation) secret() *secretPlace { return newSecretPlace(c.flags, c.log) }

// operator adds the flags of a request to a running server.
func (c *invocation) operator() *operator { return newOperator(c.flags, c.secret()) }

func help(*invocation) error {
	fmt.Print(usage)
	return nil
}
