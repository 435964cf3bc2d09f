//go:build !js

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	"tidemark/worker/api/door"
	recordsapi "tidemark/worker/api/records"
	"tidemark/worker/api/transfer"
	"tidemark/worker/store"
	storetransfer "tidemark/worker/store/transfer"
	"tidemark/worker/webtest"
)

// newSpace is a server on an empty database whose rows can be pushed, exported and
// imported: the sections of a space.
func newSpace(t *testing.T, variables map[string]string) (http.Handler, *ports) {
	db := wasmtest.OpenD1(t, store.Migrations())
	c, p := configure(t, variables), &ports{}
	rows, _ := storeIn(db, record.Default())
	pages := storetransfer.New(db, storetransfer.NewStatements(record.Default()))
	c.Root.Records, c.Door.Rooms = recordsapi.Config{Store: rows}, p
	root := api.New(c)
	d := door.New(c.Door)
	section := door.NewTable(transfer.Section(func(*door.Call) transfer.Store { return pages }, true))[0]
	return webtest.Func(func(w web.ResponseWriter, r *web.Request) {
		if r.URL.Path != "/export" && r.URL.Path != "/import" {
			root.ServeHTTP(w, r)
			return
		}
		r, share := d.WithShare(r)
		defer share.End()
		w.Header().Set("Cache-Control", "no-store")
		call := &door.Call{Door: d, W: w, R: r, Space: &door.Space{}}
		if err := section.Serve(call); err != nil {
			section.Refuse(call, err)
		}
	}), p
}

func TestWhoExportsAndImports(t *testing.T) { // S11
	h, p := newSpace(t, nil)
	for _, scope := range []string{"", "sync:read sync:write yjs:write projects:write"} {
		want(t, ask(h, "GET", "/export", nil, "Authorization", scoped(scope)), 403, "sync:admin")
		want(t, ask(h, "POST", "/import", strings.NewReader("x"), "Authorization", scoped(scope)), 403, "sync:admin")
	}
	want(t, ask(h, "GET", "/export", nil, "Authorization", ""), 401)
	want(t, ask(h, "POST", "/export", nil, "Authorization", scoped("sync:admin")), 405)
	want(t, ask(h, "GET", "/import", nil, "Authorization", scoped("sync:admin")), 405)
	if len(p.published) > 0 {
		t.Errorf("published %v", p.published)
	}
	root := newOffice(t)
	want(t, ask(root, "POST", "/import", strings.NewReader("x"), "Authorization", scoped("sync:admin")), 404)
}

func TestAnExportOverHTTPIsImportedByAnotherServer(t *testing.T) { // S11
	from, _ := newSpace(t, nil)
	to, heard := newSpace(t, nil)
	want(t, ask(from, "POST", "/trpc/sync.push", strings.NewReader(fmt.Sprintf(
		`{"lastPulledAt":0,"changes":{"customers":{"created":[{"id":"a","updated_at":%d}],"deleted":["b"]}}}`, time.Now().UnixMilli()))), 200)
	w := ask(from, "GET", "/export", nil, "Authorization", scoped("sync:admin"))
	want(t, w, 200, `{"format":1,"space":"","stamp":`, `{"row":"customers"`, `{"tombstone":"customers"`, "{\"next\":null}\n")
	if h := w.Header(); h.Get("Content-Type") != "application/x-ndjson" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	page := w.Body.String()
	want(t, operate(to, "/import", page), 200, `{"imported":2,"next":null}`)
	if got := fmt.Sprint(heard.published); len(heard.published) != 1 || !strings.Contains(got, syncroom.AnyTable) {
		t.Errorf("published %s", got)
	}
	want(t, operate(to, "/import", page), 200, `{"imported":2,"next":null}`) // its answer was lost
	if len(heard.published) != 1 {
		t.Errorf("published again: %v", heard.published)
	}
	var sums [2]struct{ Tables any }
	for i, h := range []http.Handler{from, to} {
		if err := json.Unmarshal(ask(h, "GET", "/sync/checksum", nil).Body.Bytes(), &sums[i]); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(sums[0]) != fmt.Sprint(sums[1]) || !strings.Contains(fmt.Sprint(sums[0]), "count:1") {
		t.Errorf("checksums %v and %v", sums[0], sums[1])
	}
	want(t, operate(from, "/import", page), 409, `"code":"CONFLICT"`, "rows of the table customers")
}

func TestAnImportSaysWhatIsWrong(t *testing.T) { // S11
	h, _ := newSpace(t, map[string]string{"LIMIT_BODY_BYTES": "1000"})
	want(t, ask(h, "GET", "/export?cursor=x", nil, "Authorization", scoped("sync:admin")), 400, `"code":"BAD_REQUEST"`, "cursor is not from an export")
	const first = `{"format":1,"space":"","stamp":7,"export":"x"}` + "\n"
	want(t, operate(h, "/import", ""), 400, `"line":1`)
	want(t, operate(h, "/import", first+`{"row":"orders","stamp":1,"ahead":null,"value":{}}`+"\n"+`{"next":null}`), 400, `"line":2`, `line 2: unknown table \"orders\"`)
	want(t, operate(h, "/import", strings.Repeat(" ", 1001)), 413, "larger than 1000 bytes")
	want(t, operate(h, "/import", first+`{"next":"c"}`), 200, `{"imported":0,"next":"c"}`)
	want(t, operate(h, "/import", `{"page":3,"export":"x"}`+"\n"+`{"next":null}`), 409, `"page":2`, "page 2 comes next")
	large, _ := newSpace(t, nil)
	want(t, operate(large, "/import", strings.Repeat(" ", 8_000_000+64<<10+1)), 413, fmt.Sprintf("larger than %d bytes", 8_000_000+64<<10))
	want(t, ask(large, "GET", "/export?cursor=", nil, "Authorization", scoped("sync:admin")), 200, `{"format":1,`)
}
