//go:build !js

// Command tidemark runs the guest as a server of one's own, under wazero, with
// its data in a folder:
//
//	tidemark serve --addr 127.0.0.1:8787 --data DIR [--config wrangler.toml] [--tables tables.toml] [--wasm FILE] [--instances N]
//	    [--open-files N] [--memory 2G] [--max-connections N] [--max-connections-per-address N] [--grace 20s] [--dev [--dev-any-address]]
//	tidemark token --data DIR --sub alice [--scope "…"] [--spaces "…"] [--claims '{"teams":["a"]}'] [--ttl 720h]
//	tidemark restore --url URL [--token TOKEN | --data DIR]
//	tidemark purge --url URL [--token TOKEN | --data DIR] [--keep-days 90]
//	tidemark revoke --url URL --sub NAME|--jti ID [--token TOKEN | --data DIR] [--ttl 720h]
//	tidemark spaces list --url URL [--token TOKEN | --data DIR] [--prefix P]
//	tidemark spaces info|pause|resume|delete --url URL [--token TOKEN | --data DIR] NAME
//	tidemark export --url URL [--token TOKEN | --data DIR] [--space NAME] [-o FILE]
//	tidemark import --url URL [--token TOKEN | --data DIR] --space NAME FILE
//	tidemark tables check [--file tables.toml] [--types DIR]... [--json]
//	tidemark tables migrate [--file tables.toml] [--forget TABLE,...]
//	tidemark tables types [--file tables.toml] --out DIR [--only app-router|schema]
//
// serve reads the wrangler.toml that wrangler deploys. Without --wasm it builds
// the guest first if it can. The tables of the app are those of --tables, or of a tables.toml
// beside the wrangler.toml, or else those that are built into the guest. Before it serves,
// serve adds to the database the tables and columns that are new in the file. It refuses to
// start if the database would lose data. The port is that of --addr or, without it, PORT.
// With --dev it prints a token, and /dev/login gives anyone on this machine a
// token for any name; serve then refuses an address that is not loopback unless
// --dev-any-address is given, too. token prints a token and nothing else. Its
// --spaces is a list of globs with commas between, or the JSON of the claim spaces. Its
// --claims is a JSON object of other claims, which the rules of tables may read.
//
// restore, purge and revoke send a request to a running server, this one or one on
// Cloudflare, and print its response. restore belongs after the restoration of the
// server's database to an earlier point. purge deletes old tombstones, and repeats its
// request until none of them is left. revoke ends one token, or all tokens of a
// subject, and their sockets. The server forgets the revocation after --ttl, which
// must be at least the life of such a token. spaces lists the spaces, says what one
// holds, and deletes one with all that it holds. restore and purge are about the root, or
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
	"math"
	"os"
	"time"

	"tidemark/wasm/edge"
)

const usage = `usage:
  tidemark serve --data DIR [--addr 127.0.0.1:8787] [--config wrangler.toml] [--tables tables.toml] [--wasm FILE] [--instances N]
      [--open-files N] [--memory 2G] [--max-connections N] [--max-connections-per-address N] [--grace 20s] [--dev [--dev-any-address]]
  tidemark token --data DIR --sub NAME [--scope "…"] [--spaces "…"] [--claims '{"teams":["a"]}'] [--ttl 720h]
  tidemark restore --url URL [--token TOKEN | --data DIR]
  tidemark purge --url URL [--token TOKEN | --data DIR] [--keep-days 90]
  tidemark revoke --url URL --sub NAME|--jti ID [--token TOKEN | --data DIR] [--ttl 720h]
  tidemark spaces list --url URL [--token TOKEN | --data DIR] [--prefix P]
  tidemark spaces info|pause|resume|delete --url URL [--token TOKEN | --data DIR] NAME
  tidemark export --url URL [--token TOKEN | --data DIR] [--space NAME] [-o FILE]
  tidemark import --url URL [--token TOKEN | --data DIR] --space NAME FILE
  tidemark tables check [--file tables.toml] [--types DIR]… [--json]
  tidemark tables migrate [--file tables.toml] [--forget TABLE,…]
  tidemark tables types [--file tables.toml] --out DIR [--only app-router|schema]
restore and purge take --space NAME, too.
The secret of tokens is in AUTH_SECRET, or in --secret-file FILE (DIR.secret).
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tidemark:", err)
		os.Exit(1)
	}
}

//layout:long one case for each command, with its flags
func run(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	command := flag.NewFlagSet("tidemark "+args[0], flag.ExitOnError)
	parse := func() error {
		command.Parse(args[1:]) // exits after an error
		if rest := command.Args(); len(rest) > 0 {
			return fmt.Errorf("unexpected argument %q", rest[0])
		}
		return nil
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if args[0] == "tables" {
		return runTables(args[1:], os.Stdout)
	}
	if args[0] == "spaces" {
		return runSpaces(args[1:], os.Stdout, func(flags *flag.FlagSet) *secretPlace { return newSecretPlace(flags, log) })
	}
	place := newSecretPlace(command, log)
	switch args[0] {
	case "serve":
		var o serveOptions
		command.StringVar(&o.addr, "addr", defaultAddr(), "where to listen")
		command.StringVar(&o.config, "config", "wrangler.toml", "the wrangler.toml that says what to serve")
		command.StringVar(&o.tables, "tables", "", "the declaration of the app's tables; if empty it is tables.toml beside --config, if there is one")
		command.StringVar(&o.wasm, "wasm", "", "the guest; if empty it is built, or taken from build/tidemark.wasm")
		command.DurationVar(&o.grace, "grace", defaultGrace, "how long requests have to end after SIGTERM; what runs then is ended")
		command.StringVar(&o.memory, "memory", "", "how much memory the process may use, such as 2G; if empty, three quarters of the machine's or its control group's")
		command.IntVar(&o.connections, "max-connections", defaultConnections, "how many connections may be open; more are closed at once; 0: as many as files may be open")
		command.IntVar(&o.fromAddress, "max-connections-per-address", defaultConnectionsAddress, "how many of one address, or of one IPv6 /64; this machine's own count only in all; 0: any number")
		command.IntVar(&o.instances, "instances", 0, "how many instances of the guest run; 0: as many as there are cores")
		command.IntVar(&o.openFiles, "open-files", edge.DefaultOpenFiles, "how many files of spaces and rooms are open at a time; each needs two descriptors")
		command.BoolVar(&o.dev, "dev", false, "for development: print a token, and give anyone a token for any name")
		command.BoolVar(&o.devAnyAddress, "dev-any-address", false, "let --dev listen where other machines reach it")
		if err := parse(); err != nil {
			return err
		}
		if o.instances < 0 {
			return fmt.Errorf("serve: --instances is negative")
		}
		if o.openFiles < 1 {
			return fmt.Errorf("serve: --open-files is less than 1")
		}
		if o.connections < 0 || o.fromAddress < 0 {
			return fmt.Errorf("serve: a limit of connections is negative")
		}
		return serve(o, place, log)
	case "token":
		var c claims
		command.StringVar(&c.sub, "sub", "", "whom the token is for")
		command.StringVar(&c.scope, "scope", "", "what it allows")
		command.StringVar(&c.spaces, "spaces", "", `the spaces it is for: globs with commas between, or the claim as JSON, such as {"acme":"sync:read"}; if empty it is for the root`)
		command.StringVar(&c.more, "claims", "", `other claims, as a JSON object such as {"teams":["a"]}; the rules of tables may read them`)
		command.DurationVar(&c.ttl, "ttl", defaultTTL(), "how long it is good for")
		if err := parse(); err != nil {
			return err
		}
		if c.sub == "" {
			return fmt.Errorf("token: --sub is needed")
		}
		given := false
		command.Visit(func(f *flag.Flag) { given = given || f.Name == "spaces" })
		if given && c.spaces == "" {
			return fmt.Errorf("token: --spaces is empty: leave it out for a token of the root")
		}
		if c.ttl <= 0 {
			return fmt.Errorf("token: --ttl %v is over before it begins", c.ttl)
		}
		secret, err := place.signing()
		if err != nil {
			return err
		}
		if words := strangeWords(c.scope); len(words) > 0 {
			log.Warn("no permission has this name, so only the rules of tables can ask for it; blanks stand between names", "scope", words)
		}
		token, err := sign(secret, c, time.Now())
		if err == nil {
			fmt.Println(token)
		}
		return err
	case "restore":
		o := newOperator(command, place)
		if err := parse(); err != nil {
			return err
		}
		return o.run("sync/restore", "")
	case "purge":
		o := newOperator(command, place)
		days := command.Int("keep-days", 90, "how many days tombstones are kept")
		if err := parse(); err != nil {
			return err
		}
		return o.purge(*days)
	case "revoke":
		o := newOperator(command, place)
		var r revocation
		command.StringVar(&r.Subject, "sub", "", "whose tokens end, those issued up to now")
		command.StringVar(&r.ID, "jti", "", "which token ends")
		ttl := command.Duration("ttl", 0, "after which no such token can be valid any more; 0: never")
		if err := parse(); err != nil {
			return err
		}
		r.TTL = int(math.Ceil(ttl.Seconds()))
		return o.revoke(r)
	case "export":
		o := newOperator(command, place)
		file := command.String("o", "-", "the file to write, or - for standard output")
		if err := parse(); err != nil {
			return err
		}
		ctx, stop := untilInterrupted()
		defer stop()
		return newCourier(o).export(ctx, *file, os.Stdout)
	case "import":
		o := newOperator(command, place)
		command.Parse(args[1:]) // exits after an error
		if command.NArg() != 1 {
			return fmt.Errorf("import: one FILE is needed, after the flags; - is standard input")
		}
		ctx, stop := untilInterrupted()
		defer stop()
		return newCourier(o).importFile(ctx, command.Arg(0), os.Stdin)
	case "help", "-h", "--help":
		fmt.Print(usage)
		return nil
	}
	return fmt.Errorf("no command %q\n%s", args[0], usage)
}

// defaultAddr is 127.0.0.1 with PORT or 8787.
func defaultAddr() string {
	if port := os.Getenv("PORT"); port != "" {
		return "127.0.0.1:" + port
	}
	return "127.0.0.1:8787"
}
