//go:build !js

package edge_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
)

// A program of your own serves a guest: it compiles the module, opens a Worker with a data
// folder, and hands it requests. The Worker is an http.Handler.
func Example() {
	ctx := context.Background()
	guest, err := os.ReadFile("build/tidemark.wasm")
	if err != nil {
		log.Fatal(err)
	}
	module, err := edge.Compile(ctx, guest, "cache")
	if err != nil {
		log.Fatal(err) // also if the guest was built for another ABI
	}
	defer module.Close(ctx)
	config, err := edge.LoadConfig("wrangler.toml")
	if err != nil {
		log.Fatal(err)
	}
	worker, err := edge.Open(edge.Options{
		Module: module, Config: config, Data: "data", Env: map[string]string{"AUTH_SECRET": os.Getenv("AUTH_SECRET")},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer worker.Close(ctx)
	log.Fatal(http.ListenAndServe("127.0.0.1:8787", worker))
}

// A batch is one transaction: if a statement fails, the database is as before.
func ExampleD1() {
	ctx := context.Background()
	db, err := edge.OpenD1(":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	_, err = db.Batch(ctx, []abi.Statement{
		{SQL: "CREATE TABLE notes (id TEXT PRIMARY KEY, text TEXT)"},
		{SQL: "INSERT INTO notes VALUES (?1, ?2)", Args: []any{"a", "first"}},
	})
	fmt.Println(err)

	_, err = db.Batch(ctx, []abi.Statement{
		{SQL: "DELETE FROM notes"},
		{SQL: "INSERT INTO missing VALUES (1)"},
	})
	fmt.Println(err)

	results, err := db.Batch(ctx, []abi.Statement{{SQL: "SELECT id, text FROM notes"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range results[0].Rows {
		fmt.Printf("%s: %s\n", row[0], row[1])
	}
	// Output:
	// <nil>
	// D1_ERROR: no such table: missing: SQLITE_ERROR
	// a: first
}
